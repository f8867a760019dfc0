// Runs a command and tells what it leaves behind: `family-run REPORT COMMAND [ARGUMENT …]`.
//
// As a child subreaper it inherits every orphan below it, whatever session, group or namespace the
// orphan has put itself in: nothing a command starts can get lost. REPORT gets the lines
// `pid N`, then `exit N` or `signal N`, then `left N NAME` for each process that is still there
// some seconds later; those are killed.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MILLISECONDS = 5000, STEP_MILLISECONDS = 10 };

static void report(int file, const char *word, int number, const char *text) {
  char line[512];
  int length = snprintf(line, sizeof line, "%s %d%s%s\n", word, number, *text ? " " : "", text);
  if (write(file, line, (size_t)length) < 0) _exit(98);
}

// Reads the first bytes of a file below /proc/PID; "" if it is gone.
static void read_word(int pid, const char *name, char *text, size_t room) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t count = file < 0 ? 0 : read(file, text, room - 1);
  if (file >= 0) close(file);
  text[count > 0 ? count : 0] = 0;
}

static int parent_of(int pid) {
  char text[512];
  int parent = -1;
  read_word(pid, "stat", text, sizeof text);
  // The name may hold anything, parentheses too: the last one ends it.
  char *end = strrchr(text, ')');
  if (end && sscanf(end + 1, " %*c %d", &parent) != 1) return -1;
  return parent;
}

// Kills the children that are left, and names them.
static void kill_children(int file) {
  DIR *directory = opendir("/proc");
  struct dirent *entry;
  while (directory && (entry = readdir(directory))) {
    int pid = atoi(entry->d_name);
    char name[64];
    if (pid <= 0 || parent_of(pid) != getpid()) continue;
    read_word(pid, "comm", name, sizeof name);
    name[strcspn(name, "\n")] = 0;
    report(file, "left", pid, name);
    kill(pid, SIGKILL);
  }
  if (directory) closedir(directory);
}

// Reaps until no child is left, or the time is over; true if none is left.
static int reap_all(void) {
  for (int waited = 0; waited < PATIENCE_MILLISECONDS;) {
    pid_t pid = waitpid(-1, NULL, WNOHANG);
    if (pid < 0 && errno == ECHILD) return 1;
    if (pid > 0) continue;
    nanosleep(&(struct timespec){.tv_nsec = STEP_MILLISECONDS * 1000000L}, NULL);
    waited += STEP_MILLISECONDS;
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 3) return 97;
  int file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) return 98;
  pid_t pid = fork();
  if (pid == 0) {
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  report(file, "pid", pid, "");
  int status;
  // Orphans that die early are reaped on the way.
  for (pid_t reaped = 0; reaped != pid;) {
    reaped = waitpid(-1, &status, 0);
    if (reaped < 0 && errno != EINTR) return 98;
  }
  report(file, WIFSIGNALED(status) ? "signal" : "exit",
         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), "");
  // What dies with its killed parent is only seen as a child after that.
  for (int round = 0; round < 8 && !reap_all(); round++) kill_children(file);
  return 0;
}
