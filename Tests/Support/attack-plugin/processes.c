#include "attacks.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int child_made(long pid) {
  if (pid == 0) _exit(0);
  if (pid < 0) return errno;
  waitpid((pid_t)pid, NULL, 0);
  return SUCCEEDED;
}
static int make_process(void) { return child_made(fork()); }
static int make_process_by_vfork(void) {
  pid_t pid = vfork();
  if (pid == 0) _exit(0);
  return outcome(pid);
}
static int make_process_by_clone3(void) {
  struct clone_args arguments = {.exit_signal = SIGCHLD};
  return child_made(syscall(SYS_clone3, &arguments, sizeof arguments));
}
static int make_process_in_namespace(void) {
  return child_made(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
}
static int many_processes(void) {
  pid_t made[64];
  int count = 0, error = SUCCEEDED;
  while (count < 64 && !error) {
    pid_t pid = fork();
    if (pid == 0) pause();
    if (pid < 0) error = errno;
    else made[count++] = pid;
  }
  while (count-- > 0) kill(made[count], SIGKILL);
  return error;
}
static void *idle(void *unused) { pause(); return unused; }
static int many_threads(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  for (int i = 0; i < 500; i++) {
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, idle, NULL);
    if (error) return error;
  }
  return SUCCEEDED;
}
static int execute_shell(void) {
  execl("/bin/sh", "sh", "-c", "exit 0", NULL);
  return errno;
}
static int execute_setuid(void) {
  int null = open("/dev/null", O_WRONLY);
  if (null < 0) return errno;
  dup2(null, 1);
  execl("/bin/su", "su", "--version", NULL);
  return errno == ENOENT ? NOT_REACHABLE : errno;
}
static int execute_self(void) {
  execl("/proc/self/exe", "self", "exit", "0", NULL);
  return errno;
}
static int run_tiny(int file) {
  char *const none[] = {NULL};
  if (tiny_program_size < 2) return NOT_REACHABLE;
  if (write(file, tiny_program, tiny_program_size) != (ssize_t)tiny_program_size) return errno;
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  int again = open(path, O_RDONLY | O_CLOEXEC);
  if (again < 0) return errno;
  close(file);
  syscall(SYS_execveat, again, "", none, none, AT_EMPTY_PATH);
  return errno;
}
static int execute_output(void) {
  int file = openat(OUTPUT, "program", O_CREAT | O_RDWR, 0700);
  return file < 0 ? errno : run_tiny(file);
}
static int execute_memory(void) {
  int file = (int)syscall(SYS_memfd_create, "program", MFD_CLOEXEC);
  return file < 0 ? errno : run_tiny(file);
}
static int execute_output_directly(void) {
  int file = openat(OUTPUT, "program", O_CREAT | O_WRONLY, 0700);
  if (file < 0) return errno;
  if (tiny_program_size < 2) return NOT_REACHABLE;
  if (write(file, tiny_program, tiny_program_size) < 0 || close(file) < 0) return errno;
  char *const none[] = {NULL};
  syscall(SYS_execveat, OUTPUT, "program", none, none, 0);
  return errno;
}

// Signal 0 asks for permission and does no harm.
static int kill_victim(void) { return outcome(kill(target.victim, 0)); }
static int kill_host(void) { return outcome(kill(target.host, 0)); }
static int kill_everybody(void) { return outcome(kill(-1, 0)); }
static int kill_by_thread(void) {
  return outcome(syscall(SYS_tgkill, target.victim, target.victim, 0));
}
static int kill_by_tkill(void) { return outcome(syscall(SYS_tkill, target.victim, 0)); }
static int kill_by_queue(void) {
  siginfo_t info = {.si_code = SI_QUEUE};
  return outcome(syscall(SYS_rt_sigqueueinfo, target.victim, 0, &info));
}
static int open_process(void) { return (int)syscall(SYS_pidfd_open, target.victim, 0); }
static int kill_by_pidfd(void) {
  int process = open_process();
  return process < 0 ? errno : outcome(syscall(SYS_pidfd_send_signal, process, 0, NULL, 0));
}
static int steal_descriptor(void) {
  int process = open_process();
  return process < 0 ? errno : outcome(syscall(SYS_pidfd_getfd, process, 1, 0));
}
static int signal_by_owner(void) { return outcome(fcntl(IN, F_SETOWN, target.victim)); }
static int trace_victim(void) { return outcome(ptrace(PTRACE_SEIZE, target.victim, 0, 0)); }
static int ask_to_be_traced(void) { return outcome(ptrace(PTRACE_TRACEME, 0, 0, 0)); }
static int read_victim(void) {
  char bytes[16];
  struct iovec here = {bytes, sizeof bytes}, there = {target.address, sizeof bytes};
  return outcome(process_vm_readv(target.victim, &here, 1, &there, 1, 0));
}
static int write_victim(void) {
  char bytes[16] = "overwritten";
  struct iovec here = {bytes, sizeof bytes}, there = {target.address, sizeof bytes};
  return outcome(process_vm_writev(target.victim, &here, 1, &there, 1, 0));
}
static int open_proc(pid_t pid, const char *name, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  return outcome(open(path, flags));
}
static int read_victim_environment(void) { return open_proc(target.victim, "environ", O_RDONLY); }
static int open_victim_memory(void) { return open_proc(target.victim, "mem", O_RDWR); }
static int open_victim_root(void) { return open_proc(target.victim, "root/etc/passwd", O_RDONLY); }
static int list_processes(void) {
  DIR *directory = opendir("/proc");
  if (directory == NULL) return errno;
  for (struct dirent *entry; (entry = readdir(directory));)
    if (atoi(entry->d_name) == target.host) return SUCCEEDED;
  return ENOENT;
}
static int compare_victim(void) {
  return outcome(syscall(SYS_kcmp, target.victim, target.victim, 0, 0, 0));
}
static int limit_victim(void) {
  struct rlimit limit;
  if (prlimit(target.victim, RLIMIT_NOFILE, NULL, &limit) < 0) return errno;
  return outcome(prlimit(target.victim, RLIMIT_NOFILE, &limit, NULL));
}
static int read_victim_list(void) {
  void *head;
  size_t length;
  return outcome(syscall(SYS_get_robust_list, target.victim, &head, &length));
}
static int schedule_victim(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set), CPU_SET(1, &set);
  return outcome(sched_setaffinity(target.victim, sizeof set, &set));
}
static int become_real_time(void) {
  struct sched_param parameter = {.sched_priority = 1};
  return outcome(sched_setscheduler(0, SCHED_FIFO, &parameter));
}
static int become_nice(void) {
  if (setpriority(PRIO_PROCESS, 0, -10) < 0) return errno;
  return getpriority(PRIO_PROCESS, 0) == -10 ? SUCCEEDED : EPERM;
}
static int change_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return errno;
  limit.rlim_cur = limit.rlim_max;
  return outcome(setrlimit(RLIMIT_NOFILE, &limit));
}
static int outlive_monitor(void) { return outcome(prctl(PR_SET_PDEATHSIG, 0)); }
static int raise_oom_score(void) {
  int file = open("/proc/self/oom_score_adj", O_WRONLY);
  return file < 0 ? errno : outcome(write(file, "0", 1));
}

const struct attack process_attacks[] = {
    {"make-process", make_process}, {"make-process-by-vfork", make_process_by_vfork},
    {"make-process-by-clone3", make_process_by_clone3},
    {"make-process-in-namespace", make_process_in_namespace},
    {"many-processes", many_processes}, {"many-threads", many_threads},
    {"execute-shell", execute_shell}, {"execute-setuid", execute_setuid},
    {"execute-self", execute_self}, {"execute-output", execute_output},
    {"execute-output-directly", execute_output_directly}, {"execute-memory", execute_memory},
    {"kill-victim", kill_victim}, {"kill-host", kill_host}, {"kill-everybody", kill_everybody},
    {"kill-by-thread", kill_by_thread}, {"kill-by-tkill", kill_by_tkill},
    {"kill-by-queue", kill_by_queue}, {"kill-by-pidfd", kill_by_pidfd},
    {"steal-descriptor", steal_descriptor}, {"signal-by-owner", signal_by_owner},
    {"trace-victim", trace_victim}, {"ask-to-be-traced", ask_to_be_traced},
    {"read-victim", read_victim}, {"write-victim", write_victim},
    {"read-victim-environment", read_victim_environment},
    {"open-victim-memory", open_victim_memory}, {"open-victim-root", open_victim_root},
    {"list-processes", list_processes}, {"compare-victim", compare_victim},
    {"limit-victim", limit_victim}, {"read-victim-list", read_victim_list},
    {"schedule-victim", schedule_victim}, {"become-real-time", become_real_time},
    {"become-nice", become_nice}, {"change-limit", change_limit},
    {"outlive-monitor", outlive_monitor}, {"raise-oom-score", raise_oom_score}, {NULL, NULL}};
