#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "socket")) return socket(AF_INET, SOCK_STREAM, 0) < 0;
  if (argc > 1 && !strcmp(argv[1], "dir")) {
    int f = openat(6, "made", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    printf("made %d %d\n", f, errno);
    int d = openat(6, "..", O_RDONLY | O_DIRECTORY);
    printf(".. %d %d\n", d, errno);
    printf("made again %d\n", openat(d, "made", O_RDONLY));
    for (int i = 0; i < 1100; i++) if (fcntl(i, F_GETFD) >= 0) printf("fd %d\n", i);
    fflush(stdout);
  }
  printf("hello %d uid %d\n", getpid(), getuid());
  return 7;
}
