#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

static _Alignas(8) unsigned char description[LAUNCH_BYTES_MAX];

// A part of the description that is being cut into pieces.
struct cursor {
  unsigned char *next;
  size_t left;
};

static const void *take(struct cursor *cursor, size_t count, size_t size) {
  if (count > cursor->left / size) return NULL;
  const void *taken = cursor->next;
  cursor->next += count * size;
  cursor->left -= count * size;
  return taken;
}

static char *take_string(struct cursor *cursor) {
  char *string = (char *)cursor->next;
  size_t length = strnlen(string, cursor->left);
  if (length == cursor->left) return NULL;
  cursor->next += length + 1;
  cursor->left -= length + 1;
  return string;
}

// The host seals the description, so that what is checked is what is used.
static ssize_t load(void) {
  int seals = fcntl(LAUNCH_FD_DESCRIPTION, F_GET_SEALS);
  int needed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  if (seals < 0) return -errno;
  if ((seals & needed) != needed) return -EPERM;
  struct stat status;
  if (fstat(LAUNCH_FD_DESCRIPTION, &status) < 0) return -errno;
  if (status.st_size > LAUNCH_BYTES_MAX) return -EFBIG;
  ssize_t count = pread(LAUNCH_FD_DESCRIPTION, description, (size_t)status.st_size, 0);
  if (count < 0) return -errno;
  return count == status.st_size ? count : -EIO;
}

static int check_header(const struct launch_header *header, size_t count) {
  if (header->magic != LAUNCH_MAGIC || header->version != LAUNCH_VERSION) return -EPROTO;
  if (header->bytes != count) return -EINVAL;
  if (header->limit_count > LAUNCH_LIMITS_MAX || header->path_count > LAUNCH_PATHS_MAX ||
      header->filter_count > LAUNCH_FILTER_MAX || header->filter_count == 0 ||
      header->monitor_filter_count > LAUNCH_FILTER_MAX || header->monitor_filter_count == 0 ||
      header->descriptor_count > LAUNCH_FD_PLUGIN_MAX + 1 ||
      header->argument_count > LAUNCH_ARGUMENTS_MAX || header->argument_count == 0 ||
      header->environment_count > LAUNCH_ENVIRONMENT_MAX)
    return -EINVAL;
  return 0;
}

static int cut_strings(struct plan *plan, struct cursor *cursor) {
  const struct launch_header *header = plan->header;
  for (uint32_t i = 0; i < header->argument_count; i++)
    if ((plan->arguments[i] = take_string(cursor)) == NULL) return -EINVAL;
  for (uint32_t i = 0; i < header->environment_count; i++)
    if ((plan->environment[i] = take_string(cursor)) == NULL) return -EINVAL;
  for (uint32_t i = 0; i < header->path_count; i++)
    if ((plan->path_names[i] = take_string(cursor)) == NULL) return -EINVAL;
  return cursor->left == 0 ? 0 : -EINVAL;
}

static int check_path(const struct launch_path *path, const char *name) {
  uint32_t rights = LAUNCH_PATH_READ | LAUNCH_PATH_EXECUTE | LAUNCH_PATH_WRITE |
                    LAUNCH_PATH_DEVICE | LAUNCH_PATH_MAP;
  uint32_t flags = LAUNCH_PATH_BIND | LAUNCH_PATH_REROOT | LAUNCH_PATH_OPTIONAL;
  if (path->rights & ~rights || path->flags & ~flags || path->reserved != 0) return -EINVAL;
  int is_plugins = path->descriptor <= LAUNCH_FD_PLUGIN_MAX;
  int is_rules =
      path->descriptor >= LAUNCH_FD_PATHS && path->descriptor <= LAUNCH_FD_PATHS_MAX;
  if (path->descriptor != UINT32_MAX && !is_plugins && !is_rules) return -EINVAL;
  if (path->flags & LAUNCH_PATH_REROOT && !is_plugins) return -EINVAL;
  // A bound path keeps its name, which must lie below the root and must not climb.
  int needs_name = path->flags & LAUNCH_PATH_BIND || path->descriptor == UINT32_MAX;
  if (needs_name && (name[0] != '/' || name[1] == 0 || strstr(name, "/../"))) return -EINVAL;
  return 0;
}

static int check_parts(const struct plan *plan) {
  for (uint32_t i = 0; i < plan->header->descriptor_count; i++)
    if (plan->descriptors[i] > LAUNCH_FD_PLUGIN_MAX ||
        fcntl((int)plan->descriptors[i], F_GETFD) < 0)
      return -EBADF;
  for (uint32_t i = 0; i < plan->header->path_count; i++) {
    int result = check_path(&plan->paths[i], plan->path_names[i]);
    if (result < 0) return result;
  }
  return 0;
}

int read_description(struct plan *plan) {
  ssize_t count = load();
  if (count < 0) return (int)count;
  struct cursor cursor = {description, (size_t)count};
  plan->header = take(&cursor, 1, sizeof *plan->header);
  if (plan->header == NULL) return -EINVAL;
  int result = check_header(plan->header, (size_t)count);
  if (result < 0) return result;
  plan->limits = take(&cursor, plan->header->limit_count, sizeof *plan->limits);
  plan->paths = take(&cursor, plan->header->path_count, sizeof *plan->paths);
  plan->filter = take(&cursor, plan->header->filter_count, sizeof *plan->filter);
  plan->monitor_filter =
      take(&cursor, plan->header->monitor_filter_count, sizeof *plan->monitor_filter);
  plan->descriptors = take(&cursor, plan->header->descriptor_count, sizeof *plan->descriptors);
  if (!plan->limits || !plan->paths || !plan->filter || !plan->monitor_filter ||
      !plan->descriptors || cursor.left != plan->header->string_bytes)
    return -EINVAL;
  result = cut_strings(plan, &cursor);
  return result < 0 ? result : check_parts(plan);
}
