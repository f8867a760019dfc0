// Runs the command that takes an archive from a pipe: `sluice-sink COMMAND`.
//
// The host may be killed at any time, and its command must neither live on nor take half an archive
// for a whole one. So this process stands between them: it holds an end of the archive's pipe open
// until the host says that the archive is whole, and ends the command when the host is gone.
//
// Inherited descriptors:
//   0 the archive, to be read     1, 2 the command's own output
//   3 lifeline: the byte SINK_WHOLE says that the archive is whole; its end, that the host is gone
//   4 the archive's other end     5 gets one struct sink_report when the command has ended

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIFELINE = 3, ARCHIVE = 4, STATUS = 5, HIGHEST = 5 };
enum { SINK_WHOLE = 0x2E };
enum { PATIENCE_SECONDS = 5 };

struct sink_report {
  uint32_t is_signal;
  uint32_t value;
};

static pid_t start(const char *command, const sigset_t *before) {
  pid_t monitor = getpid();
  pid_t child = fork();
  if (child != 0) return child;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != monitor) _exit(127);
  for (int i = LIFELINE; i <= HIGHEST; i++) close(i);
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, before, NULL);
  execl("/bin/sh", "sh", "-c", command, (char *)NULL);
  _exit(127);
}

static void report(int status) {
  struct sink_report end = {.is_signal = WIFSIGNALED(status) ? 1 : 0};
  end.value = end.is_signal ? (uint32_t)WTERMSIG(status) : (uint32_t)WEXITSTATUS(status);
  if (write(STATUS, &end, sizeof end) < 0) return;
}

// Reaps the command and its orphans; true once the command itself has ended, its end in `status`.
static int reap(pid_t child, int *status) {
  int one, has_ended = 0;
  for (pid_t pid; (pid = waitpid(-1, &one, WNOHANG)) > 0;)
    if (pid == child) has_ended = 1, *status = one;
  return has_ended;
}

// Ends what is left of the command's process group: asked first, killed some seconds later.
static void end_group(pid_t group, int children) {
  kill(-group, SIGTERM);
  // Who is stopped hears nothing until he goes on.
  kill(-group, SIGCONT);
  int status, left = PATIENCE_SECONDS * 1000;
  struct pollfd wait = {.fd = children, .events = POLLIN};
  for (reap(group, &status); left > 0 && kill(-group, 0) == 0; left -= 50) {
    struct signalfd_siginfo skipped;
    if (poll(&wait, 1, 50) > 0 && read(children, &skipped, sizeof skipped) < 0) break;
    reap(group, &status);
  }
  kill(-group, SIGKILL);
}

// Waits for the command's end or the host's; true if the command has ended by itself.
static int attend(pid_t child, int children, int *status) {
  struct pollfd waits[2] = {{.fd = children, .events = POLLIN}, {.fd = LIFELINE, .events = POLLIN}};
  while (1) {
    if (poll(waits, 2, -1) < 0 && errno != EINTR) return 0;
    if (waits[0].revents) {
      struct signalfd_siginfo skipped;
      if (read(children, &skipped, sizeof skipped) < 0 && errno != EAGAIN) return 0;
      if (reap(child, status)) return 1;
    }
    if (waits[1].revents) {
      uint8_t word = 0;
      if (read(LIFELINE, &word, 1) != 1 || word != SINK_WHOLE) return 0;
      // The last end but the plugin's, which is closed already: the command reads the end.
      close(ARCHIVE);
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  sigset_t wanted, before;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGCHLD);
  sigprocmask(SIG_BLOCK, &wanted, &before);
  signal(SIGPIPE, SIG_IGN);
  int children = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (children < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) return 3;
  pid_t child = start(argv[1], &before);
  if (child < 0) return 3;
  setpgid(child, child);
  // Were it open here, a plugin would never learn that nobody reads.
  close(0);
  int status = 0;
  int has_ended = attend(child, children, &status);
  // What a good command leaves running is its own affair.
  if (!has_ended || status != 0) end_group(child, children);
  if (has_ended) report(status);
  return 0;
}
