#include <jansson.h>

// json_decref is a static inline with an atomic in some versions: one symbol of our own is plain.
static inline void sluice_json_decref(json_t *value) { json_decref(value); }
