#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

void send_report(int descriptor, struct launch_report *report) {
  report->magic = LAUNCH_MAGIC;
  // The host may be gone: then nobody is left to tell.
  ssize_t written;
  do { written = write(descriptor, report, sizeof *report); } while (written < 0 && errno == EINTR);
}

void report_failure(int descriptor, const char *step, int error) {
  struct launch_report report = {.kind = LAUNCH_REPORT_FAILED, .code = error};
  snprintf(report.step, sizeof report.step, "%s", step);
  send_report(descriptor, &report);
}

int send_report_with_descriptor(int socket, struct launch_report *report, int descriptor) {
  report->magic = LAUNCH_MAGIC;
  union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {{0}};
  struct iovec part = {report, sizeof *report};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (descriptor >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  }
  // sendmsg(2) and nothing else: the filter that may already stand allows it on this socket.
  return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int receive_report(int socket, struct launch_report *report, int *descriptor) {
  union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
  struct iovec part = {report, sizeof *report};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  *descriptor = -1;
  ssize_t count;
  do { count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC); } while (count < 0 && errno == EINTR);
  if (count < 0) return errno == ECONNRESET ? 0 : -errno;
  if (count == 0) return 0;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_type == SCM_RIGHTS)
    memcpy(descriptor, CMSG_DATA(header), sizeof(int));
  return count == sizeof *report && report->magic == LAUNCH_MAGIC ? 1 : -EPROTO;
}

int install_filter(const struct sock_filter *filter, uint32_t count, unsigned int flags) {
  struct sock_fprog program = {(unsigned short)count, (struct sock_filter *)filter};
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  return result < 0 ? -errno : (int)result;
}
