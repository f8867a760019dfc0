#include <stdlib.h>
#include <string.h>

#include "CLinux.h"

// U+10FE80 to U+10FEFF are F4 8F BA 80 to F4 8F BB BF in UTF-8.
static int stands_for_byte(const char *at) {
  const unsigned char *bytes = (const unsigned char *)at;
  return bytes[0] == 0xF4 && bytes[1] == 0x8F && (bytes[2] & 0xFE) == 0xBA &&
         (bytes[3] & 0xC0) == 0x80;
}

const char *clinux_name_bytes(const char *text, char *room, size_t size) {
  const char *at = text;
  while (*at && !stands_for_byte(at)) at++;
  if (!*at) return text;
  size_t count = 0;
  for (at = text; *at; count++) {
    // What does not fit is too long for the kernel too.
    if (count + 1 >= size) return text;
    if (stands_for_byte(at)) {
      room[count] = (char)(0x80 | (at[2] & 1) << 6 | (at[3] & 0x3F));
      at += 4;
    } else {
      room[count] = *at++;
    }
  }
  room[count] = 0;
  return room;
}

char **clinux_argument_bytes(char *const *arguments) {
  size_t count = 0;
  while (arguments[count]) count++;
  char **bytes = calloc(count + 1, sizeof *bytes);
  if (!bytes) return NULL;
  for (size_t i = 0; i < count; i++) {
    size_t size = strlen(arguments[i]) + 1;
    char *room = malloc(size);
    if (!room) {
      clinux_free_arguments(bytes);
      return NULL;
    }
    const char *found = clinux_name_bytes(arguments[i], room, size);
    if (found != room) memcpy(room, found, size);
    bytes[i] = room;
  }
  return bytes;
}

void clinux_free_arguments(char **arguments) {
  for (size_t i = 0; arguments[i]; i++) free(arguments[i]);
  free(arguments);
}
