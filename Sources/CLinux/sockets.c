#include "CLinux.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 8 };

static int unix_address(const char *text, struct sockaddr_un *address) {
  char room[PATH_MAX];
  const char *path = clinux_name_bytes(text, room, sizeof room);
  size_t length = strlen(path);
  if (length >= sizeof address->sun_path) return -ENAMETOOLONG;
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path, length);
  return 0;
}

static int close_and_return(int descriptor, int error) {
  close(descriptor);
  return -error;
}

int clinux_unix_listen(const char *path) {
  struct sockaddr_un address;
  int result = unix_address(path, &address);
  if (result < 0) return result;
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0 ||
      listen(descriptor, 4) < 0)
    return close_and_return(descriptor, errno);
  return descriptor;
}

int clinux_unix_connect(const char *path) {
  struct sockaddr_un address;
  int result = unix_address(path, &address);
  if (result < 0) return result;
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0)
    return close_and_return(descriptor, errno);
  return descriptor;
}

int clinux_unix_connect_now(const char *path) {
  struct sockaddr_un address;
  int result = unix_address(path, &address);
  if (result < 0) return result;
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -errno;
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0)
    return close_and_return(descriptor, errno);
  return descriptor;
}

int clinux_socketpair(int *first, int *second) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
  *first = ends[0];
  *second = ends[1];
  return 0;
}

int clinux_peer_process(int socket) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return -errno;
  return peer.pid;
}

ssize_t clinux_send_with_descriptors(int socket, const void *bytes, size_t count,
                                     const int *descriptors, size_t descriptor_count) {
  if (descriptor_count > DESCRIPTORS_MAX) return -EINVAL;
  union { char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)]; struct cmsghdr align; } control;
  struct iovec part = {(void *)bytes, count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (descriptor_count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * descriptor_count);
  }
  ssize_t sent;
  do { sent = sendmsg(socket, &message, MSG_NOSIGNAL); } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

ssize_t clinux_receive(int socket, void *buffer, size_t count) {
  ssize_t received;
  // recv(2) without room for control data makes the kernel drop descriptors that came along.
  do { received = recv(socket, buffer, count, 0); } while (received < 0 && errno == EINTR);
  return received < 0 ? -errno : received;
}

ssize_t clinux_peer_name(int socket, char *name, size_t count) {
  struct sockaddr_un address;
  socklen_t length = sizeof address;
  if (getpeername(socket, (struct sockaddr *)&address, &length) < 0) return -errno;
  size_t start = offsetof(struct sockaddr_un, sun_path);
  if (length <= start || address.sun_path[0] == 0) return -ENOENT;
  size_t found = strnlen(address.sun_path, length - start);
  if (found > count) return -ENAMETOOLONG;
  memcpy(name, address.sun_path, found);
  return (ssize_t)found;
}
