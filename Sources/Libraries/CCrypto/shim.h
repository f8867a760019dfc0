// SHA256_Init and its like are deprecated in favour of EVP, which cannot be linked statically
// without the whole library behind it: 5 MB of providers for one digest.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
