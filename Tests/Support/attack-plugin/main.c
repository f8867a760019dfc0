#include "attacks.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct target target;

static const struct attack *const groups[] = {file_attacks, process_attacks, network_attacks,
                                              memory_attacks, kernel_attacks};
enum { GROUPS = sizeof groups / sizeof *groups };

const char *outside(const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", target.outside, name);
  return path;
}

int make_output(const char *name) {
  return openat(OUTPUT, name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
}

#ifdef __x86_64__
const unsigned char tiny_program[] = {
    0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // ELF, 64 bit, little endian
    2, 0, 62, 0, 1, 0, 0, 0, 0x78, 0, 0x40, 0, 0, 0, 0, 0,    // executable, entry 0x400078
    64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,          // program headers at 64
    0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0,         // one of them
    1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,           // load, read and execute, from 0
    0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0,     // at 0x400000
    0x81, 0, 0, 0, 0, 0, 0, 0, 0x81, 0, 0, 0, 0, 0, 0, 0,     // all of it
    0, 0x10, 0, 0, 0, 0, 0, 0,                                // aligned to 4 KiB
    0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05};               // exit(0)
#else
const unsigned char tiny_program[] = {0};
#endif
const size_t tiny_program_size = sizeof tiny_program;

static int listen_on(struct sockaddr *address, socklen_t size, int type) {
  int listener = socket(address->sa_family, type, 0);
  if (bind(listener, address, size) < 0) exit(1);
  if (type == SOCK_STREAM) listen(listener, 16);
  return listener;
}

static int listen_on_port(int type) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = listen_on((struct sockaddr *)&address, size, type);
  getsockname(listener, (struct sockaddr *)&address, &size);
  return ntohs(address.sin_port);
}

// Somebody to attack. Lives until its standard input closes.
static int be_victim(const char *path) {
  static char buffer[16] = "secret";
  struct sockaddr_un named = {.sun_family = AF_UNIX}, abstract = {.sun_family = AF_UNIX};
  snprintf(named.sun_path, sizeof named.sun_path, "%s", path);
  listen_on((struct sockaddr *)&named, sizeof named, SOCK_STREAM);
  snprintf(abstract.sun_path + 1, sizeof abstract.sun_path - 1, "sluice-victim-%d", getpid());
  listen_on((struct sockaddr *)&abstract, sizeof abstract, SOCK_STREAM);
  printf("%d %d %d %p\n", getpid(), listen_on_port(SOCK_STREAM), listen_on_port(SOCK_DGRAM),
         (void *)buffer);
  fflush(stdout);
  char byte;
  return read(0, &byte, 1) < 0;
}

static int list(void) {
  for (int group = 0; group < GROUPS; group++)
    for (const struct attack *attack = groups[group]; attack->name; attack++)
      printf("%s\n", attack->name);
  return 0;
}

// attack-plugin list | victim SOCKET | exit CODE | NAME VICTIM TCP UDP ADDRESS HOST HOSTNAME DIR
int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "list") == 0) return list();
  if (count == 3 && strcmp(arguments[1], "victim") == 0) return be_victim(arguments[2]);
  if (count == 3 && strcmp(arguments[1], "exit") == 0) return atoi(arguments[2]);
  if (count != 9) return NOT_REACHABLE;
  target = (struct target){.victim = atoi(arguments[2]),
                           .tcp = atoi(arguments[3]),
                           .udp = atoi(arguments[4]),
                           .address = (void *)strtoul(arguments[5], NULL, 16),
                           .host = atoi(arguments[6]),
                           .hostname = arguments[7],
                           .outside = arguments[8]};
  for (int group = 0; group < GROUPS; group++)
    for (const struct attack *attack = groups[group]; attack->name; attack++)
      if (strcmp(attack->name, arguments[1]) == 0) return attack->run();
  return NOT_REACHABLE;
}
