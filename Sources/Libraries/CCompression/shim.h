#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>
