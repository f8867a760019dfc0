/* The SDK, as every plugin in C has it. */
#include "../../c/sluice.c"
