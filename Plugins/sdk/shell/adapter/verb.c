/* Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0 */

/* One run of the script. Its pipes are blocking ones, and it may use them in any order: nothing
 * here waits for one of them alone. Writes of PIPE_BUF bytes do not block once poll(2) has told
 * room. */

#define _GNU_SOURCE
#include "adapter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID_BYTES_MAX = 1024 };

static struct {
  const char *name;
  uint32_t code;
  pid_t process; /* 0 when there is none */
  int input, spare, output, errors; /* -1 when closed; `spare` reads what `input` writes */
  int is_over, status;
  uint64_t excess; /* bytes that nobody takes */
  char said[SAID_BYTES_MAX + 1]; /* the end of what it said on standard error */
  size_t said_count;
} verb = {.input = -1, .spare = -1, .output = -1, .errors = -1};

static sigset_t usual_signals;

static void close_end(int *descriptor) {
  if (*descriptor >= 0) close(*descriptor);
  *descriptor = -1;
}

/* SIGCHLD ends a wait, and nothing else. */
static void on_child(int signal) { (void)signal; }

static void take_signals(void) {
  static int is_done;
  if (is_done) return;
  is_done = 1;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, &usual_signals);
  sigdelset(&usual_signals, SIGCHLD);
  sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child}, NULL);
}

/* Starting ---------------------------------------------------------------------------------- */

static _Noreturn void become_script(int input, int output, int errors,
                                    const char *const *arguments) {
  const char *words[VERB_ARGUMENTS_MAX + 4] = {adapter.interpreter, adapter.script, verb.name};
  for (int place = 0; place < VERB_ARGUMENTS_MAX && arguments[place]; place++)
    words[place + 3] = arguments[place];
  setpgid(0, 0);
  if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0) _exit(126);
  signal(SIGCHLD, SIG_DFL);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  sigprocmask(SIG_SETMASK, &usual_signals, NULL);
  execve(adapter.interpreter, (char **)(uintptr_t)words, script_environment());
  dprintf(2, "cannot start %s: %s\n", adapter.interpreter, strerror(errno));
  _exit(126);
}

/* The archive as a script's standard input or output. */
static int archive_as(int is_output) {
  int archive = adapter.archive.descriptor;
  if (!is_output && lseek(archive, 0, SEEK_SET) < 0) return -1;
  return archive;
}

int verb_start(uint32_t code, int channels, const char *name, const char *const *arguments) {
  int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2];
  take_signals();
  (void)script_environment();
  verb.name = name;
  verb.code = code;
  verb.is_over = verb.status = 0;
  verb.excess = verb.said_count = 0;
  int standard_input = 0, standard_output = 1;
  if (pipe2(err, O_CLOEXEC)) return sluice_fail_errno("making a pipe");
  verb.errors = err[0];
  if (channels & VERB_READS && !pipe2(in, O_CLOEXEC)) standard_input = in[0];
  if (channels & VERB_WRITES && !pipe2(out, O_CLOEXEC)) standard_output = out[1];
  int is_writing = !strcmp(adapter.job->mode, "write");
  if (channels & VERB_ARCHIVE && is_writing) standard_output = archive_as(1);
  if (channels & VERB_ARCHIVE && !is_writing) standard_input = archive_as(0);
  verb.input = in[1];
  verb.spare = in[0];
  verb.output = out[0];
  int is_complete = standard_input >= 0 && (!(channels & VERB_READS) || in[0] >= 0)
    && (!(channels & VERB_WRITES) || out[0] >= 0);
  verb.process = is_complete ? fork() : -1;
  if (verb.process == 0) become_script(standard_input, standard_output, err[1], arguments);
  int number = errno;
  close(err[1]);
  if (out[1] >= 0) close(out[1]);
  if (verb.process > 0) {
    setpgid(verb.process, verb.process);
    return 0;
  }
  verb.process = 0;
  verb_stop();
  errno = number;
  return sluice_fail_errno("starting the script");
}

/* Ending ------------------------------------------------------------------------------------ */

/* Whatever a verb has started ends with it. As the first process of a sandbox, this one is left. */
static void end_the_rest(pid_t group) {
  if (getpid() != 1) {
    kill(-group, SIGKILL);
    return;
  }
  kill(-1, SIGKILL);
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) continue;
}

/* Whether the script's own process has ended. */
static void look(void) {
  siginfo_t info = {0};
  if (verb.is_over || !verb.process) return;
  if (waitid(P_PID, (id_t)verb.process, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid) return;
  while (waitpid(verb.process, &verb.status, 0) < 0 && errno == EINTR) continue;
  end_the_rest(verb.process);
  verb.is_over = 1;
}

void verb_stop(void) {
  if (verb.process && !verb.is_over) {
    kill(-verb.process, SIGKILL);
    kill(verb.process, SIGKILL);
    while (waitpid(verb.process, NULL, 0) < 0 && errno == EINTR) continue;
    end_the_rest(verb.process);
  }
  verb.process = 0;
  close_end(&verb.input);
  close_end(&verb.spare);
  close_end(&verb.output);
  close_end(&verb.errors);
}

/* What is no damage of an archive that is read is a mistake of the script. */
static int stop_with(uint32_t code, const char *what) {
  if (code == SLUICE_E_IO) code = SLUICE_E_INTERNAL;
  sluice_fail(code, "%s %s %s", adapter.name, verb.name, what);
  verb_stop();
  return -1;
}

/* What it says ------------------------------------------------------------------------------ */

/* Keeps the end of what it says on standard error, and passes all of it on. */
static void take_errors(void) {
  char text[SAID_BYTES_MAX];
  ssize_t count = read(verb.errors, text, sizeof text);
  if (count < 0 && errno == EINTR) return;
  if (count <= 0) {
    close_end(&verb.errors);
    return;
  }
  (void)!write(2, text, (size_t)count);
  size_t kept = verb.said_count, most = SAID_BYTES_MAX - (size_t)count;
  if (kept > most) {
    memmove(verb.said, verb.said + kept - most, most);
    kept = most;
  }
  memcpy(verb.said + kept, text, (size_t)count);
  verb.said_count = kept + (size_t)count;
}

static const struct {
  const char *word;
  uint32_t code;
} WORDS[] = {
  {"ENOSPC", SLUICE_E_NO_SPACE}, {"EACCES", SLUICE_E_PERMISSION}, {"EPERM", SLUICE_E_PERMISSION},
  {"EROFS", SLUICE_E_PERMISSION}, {"EEXIST", SLUICE_E_EXISTS}, {"ENOENT", SLUICE_E_NOT_FOUND},
  {"EIO", SLUICE_E_IO}, {"EBADMSG", SLUICE_E_CORRUPT}, {"EFBIG", SLUICE_E_TOO_LARGE},
  {"EINVAL", SLUICE_E_BAD_JOB}, {"ENOTSUP", SLUICE_E_UNSUPPORTED}, {"EAGAIN", SLUICE_E_TEMPORARY},
};

/* What programs say of an error, in the locale C. */
static const struct {
  int number;
  uint32_t code;
} NUMBERS[] = {
  {ENOSPC, SLUICE_E_NO_SPACE}, {EDQUOT, SLUICE_E_NO_SPACE}, {EFBIG, SLUICE_E_NO_SPACE},
  {EACCES, SLUICE_E_PERMISSION}, {EROFS, SLUICE_E_PERMISSION},
};

/* What it said as one line; a first word as nbdkit's scripts have it tells the code. */
static const char *message(void) {
  char *text = verb.said;
  text[verb.said_count] = 0;
  for (char *each = text; *each; each++)
    if ((unsigned char)*each < ' ' || *each == 0x7F) *each = ' ';
  while (verb.said_count && text[verb.said_count - 1] == ' ') text[--verb.said_count] = 0;
  /* The end of a long text may begin inside a character. */
  while (((unsigned char)*text & 0xC0) == 0x80) text++;
  while (*text == ' ') text++;
  size_t length = strcspn(text, " :");
  for (size_t place = 0; place < sizeof WORDS / sizeof *WORDS; place++)
    if (length == strlen(WORDS[place].word) && !strncmp(text, WORDS[place].word, length)) {
      verb.code = WORDS[place].code;
      return text + length + strspn(text + length, " :");
    }
  for (size_t place = 0; place < sizeof NUMBERS / sizeof *NUMBERS; place++)
    if (strstr(text, strerror(NUMBERS[place].number))) verb.code = NUMBERS[place].code;
  return text;
}

static int fail_with_its_words(void) {
  char how[64];
  int status = WIFEXITED(verb.status) ? WEXITSTATUS(verb.status) : 0;
  /* What a shell says that cannot go on, or finds no program. */
  int is_shells = status == 126 || status == 127;
  if (is_shells || (status == VERB_MISSING && verb.code != SLUICE_E_CORRUPT))
    verb.code = SLUICE_E_INTERNAL;
  const char *said = message();
  if (WIFSIGNALED(verb.status))
    snprintf(how, sizeof how, "was ended by signal %d", WTERMSIG(verb.status));
  else
    snprintf(how, sizeof how, "failed with exit status %d", status);
  sluice_fail(verb.code, "%s %s %s: %s", adapter.name, verb.name, how,
              *said ? said : "it has said nothing on standard error");
  verb_stop();
  return -1;
}

/* Bytes ------------------------------------------------------------------------------------- */

/* Waits until there is something to do; `is_ready` tells whether it is for that descriptor. */
static int await(int descriptor, short wanted, int *is_ready) {
  struct pollfd entries[] = {
    {3, 0, 0}, {verb.errors, POLLIN, 0}, {descriptor, wanted, 0},
  };
  int count = ppoll(entries, 3, NULL, &usual_signals);
  *is_ready = count > 0 && entries[2].revents;
  int gone = count > 0 && entries[0].revents ? sluice_host_gone() : 0;
  if (gone) {
    verb_stop();
    return gone;
  }
  if (count > 0 && entries[1].revents) take_errors();
  look();
  return 0;
}

int verb_write(const void *bytes, size_t count) {
  const char *next = bytes;
  while (count) {
    int is_ready;
    TRY(await(verb.input, POLLOUT, &is_ready));
    if (verb.is_over) {
      int has_failed = !WIFEXITED(verb.status) || WEXITSTATUS(verb.status) > 0;
      if (has_failed) return verb_end_known();
      return stop_with(verb.code, "ended without reading all of its standard input");
    }
    if (!is_ready) continue;
    ssize_t written = write(verb.input, next, count < PIPE_BUF ? count : PIPE_BUF);
    if (written < 0 && errno != EINTR) {
      sluice_fail_errno("giving the script its data");
      verb_stop();
      return -1;
    }
    if (written < 0) continue;
    next += written;
    count -= (size_t)written;
  }
  return 0;
}

int verb_write_zeros(uint64_t count) {
  static const char zeros[ZERO_BYTES];
  while (count) {
    size_t part = count < sizeof zeros ? (size_t)count : sizeof zeros;
    TRY(verb_write(zeros, part));
    count -= part;
  }
  return 0;
}

ssize_t verb_read(void *bytes, size_t count) {
  size_t done = 0;
  while (done < count && verb.output >= 0) {
    int is_ready;
    TRY(await(verb.output, POLLIN, &is_ready));
    if (!is_ready) continue;
    ssize_t more = read(verb.output, (char *)bytes + done, count - done);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) {
      sluice_fail_errno("taking the script's data");
      verb_stop();
      return -1;
    }
    if (more == 0) close_end(&verb.output);
    done += (size_t)more;
  }
  return (ssize_t)done;
}

/* Takes what nobody asked for: one byte is too much already. */
static int take_excess(void) {
  char byte;
  int count = (int)verb_read(&byte, 1);
  if (count < 0) return count;
  if (count > 0) return stop_with(verb.code, "wrote more to standard output than was asked for");
  return 0;
}

int verb_end(void) {
  int is_ready;
  close_end(&verb.input);
  if (verb.output >= 0) TRY(take_excess());
  while (!verb.is_over || verb.errors >= 0)
    TRY(await(-1, 0, &is_ready));
  struct pollfd left = {verb.spare, POLLIN, 0};
  int status = WIFEXITED(verb.status) ? WEXITSTATUS(verb.status) : -1;
  if (status == VERB_MISSING && !verb.said_count) {
    verb_stop();
    return VERB_MISSING;
  }
  if (status) return fail_with_its_words();
  if (verb.spare >= 0 && poll(&left, 1, 0) > 0 && left.revents & POLLIN)
    return stop_with(verb.code, "ended without reading all of its standard input");
  verb_stop();
  return 0;
}

int verb_end_known(void) {
  const char *name = verb.name;
  int result = verb_end();
  if (result != VERB_MISSING) return result;
  return sluice_fail(SLUICE_E_UNSUPPORTED,
                     "%s does not know the verb %s: it ended with status 2 and said nothing",
                     adapter.name, name);
}

int verb_text(uint32_t code, const char *name, const char *const *arguments, char *text,
              size_t room) {
  int channels = VERB_WRITES | (!is_directory() && strcmp(name, "config") ? VERB_ARCHIVE : 0);
  TRY(verb_start(code, channels, name, arguments));
  ssize_t count = verb_read(text, room - 1);
  if (count < 0) return (int)count;
  text[count] = 0;
  if (strlen(text) != (size_t)count) return stop_with(code, "wrote a text with a byte of zero");
  return verb_end();
}
