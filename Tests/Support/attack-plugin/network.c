#include "attacks.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}
static int connect_tcp(void) {
  struct sockaddr_in address = loopback(target.tcp);
  int tcp = socket(AF_INET, SOCK_STREAM, 0);
  return tcp < 0 ? errno : outcome(connect(tcp, (struct sockaddr *)&address, sizeof address));
}
static int connect_tcp6(void) { return outcome(socket(AF_INET6, SOCK_STREAM, 0)); }
static int listen_tcp(void) {
  struct sockaddr_in address = loopback(0);
  int tcp = socket(AF_INET, SOCK_STREAM, 0);
  if (tcp < 0 || bind(tcp, (struct sockaddr *)&address, sizeof address) < 0) return errno;
  return outcome(listen(tcp, 1));
}
static int send_udp(void) {
  struct sockaddr_in address = loopback(target.udp);
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  if (udp < 0) return errno;
  return outcome(sendto(udp, "x", 1, 0, (struct sockaddr *)&address, sizeof address));
}
static int connect_unix(const char *path, size_t length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, path, length);
  int stream = socket(AF_UNIX, SOCK_STREAM, 0);
  return stream < 0 ? errno : outcome(connect(stream, (struct sockaddr *)&address, sizeof address));
}
static int connect_named(void) {
  const char *path = outside("../socket");
  return connect_unix(path, strlen(path));
}
static int connect_abstract(void) {
  char name[32] = {0};
  int length = snprintf(name + 1, sizeof name - 1, "sluice-victim-%d", target.victim);
  return connect_unix(name, (size_t)length + 1);
}
static int make_socket_pair(void) {
  int ends[2];
  return outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}
static int talk_to_kernel(void) { return outcome(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)); }
static int talk_to_machine(void) {
  int machine = socket(AF_VSOCK, SOCK_STREAM, 0);
  return machine < 0 && errno == EAFNOSUPPORT ? NOT_REACHABLE : outcome(machine);
}
static int send_raw(void) { return outcome(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
static int listen_to_all(void) {
  int packet = socket(AF_PACKET, SOCK_RAW, 0);
  return packet < 0 && errno == EAFNOSUPPORT ? NOT_REACHABLE : outcome(packet);
}
static int use_crypto(void) {
  int crypto = socket(AF_ALG, SOCK_SEQPACKET, 0);
  return crypto < 0 && errno == EAFNOSUPPORT ? NOT_REACHABLE : outcome(crypto);
}

// The host's own pipes.
static int grow_pipe(void) { return outcome(fcntl(OUT, F_SETPIPE_SZ, 1 << 20)); }
static int unblock_pipe(void) {
  return outcome(fcntl(OUT, F_SETFL, O_NONBLOCK | O_WRONLY));
}
static int make_pipe_asynchronous(void) { return outcome(fcntl(IN, F_SETFL, O_ASYNC)); }
static int make_pipe_packets(void) { return outcome(fcntl(OUT, F_SETFL, O_DIRECT)); }
static int give_pages(void) {
  static char page[4096] __attribute__((aligned(4096)));
  struct iovec part = {page, sizeof page};
  return outcome(vmsplice(OUT, &part, 1, SPLICE_F_GIFT));
}
static int splice_pool(void) { return outcome(splice(POOL, &(loff_t){0}, OUT, NULL, 1, 0)); }
static int make_pipe(void) {
  int ends[2];
  return outcome(pipe2(ends, 0));
}

const struct attack network_attacks[] = {
    {"connect-tcp", connect_tcp}, {"connect-tcp6", connect_tcp6}, {"listen-tcp", listen_tcp},
    {"send-udp", send_udp}, {"connect-named", connect_named},
    {"connect-abstract", connect_abstract}, {"make-socket-pair", make_socket_pair},
    {"talk-to-kernel", talk_to_kernel}, {"talk-to-machine", talk_to_machine},
    {"send-raw", send_raw}, {"listen-to-all", listen_to_all}, {"use-crypto", use_crypto},
    {"grow-pipe", grow_pipe}, {"unblock-pipe", unblock_pipe},
    {"make-pipe-asynchronous", make_pipe_asynchronous},
    {"make-pipe-packets", make_pipe_packets}, {"give-pages", give_pages},
    {"splice-pool", splice_pool}, {"make-pipe", make_pipe}, {NULL, NULL}};
