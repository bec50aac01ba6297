/* Fails one operation on the files below a folder, or that one and all later ones, as a disk that is full, broken or
 * read-only does. Loaded by LD_PRELOAD; Linux, glibc.
 *
 *   FIREFERRY_TEST_DISK_FOLDER  files below this folder are watched (an absolute path without symbolic links)
 *   FIREFERRY_TEST_DISK_LOG     where a line is appended for each operation: number, kind, path; one that failed has a `!`
 *   FIREFERRY_TEST_DISK_FAULT   number:errno, or number:errno:+ when everything after it fails as well; may be unset
 *
 * Counted is what needs the disk: making, opening for writing, writing, cutting, syncing, renaming and removing files, and
 * making folders. Not seen: writes through shared mappings (SQLite's -shm file) and system calls made without the C library.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static int log_fd = -1;
static long number, wanted, fault_errno;
static int for_good;

__attribute__((constructor)) static void start(void) {
  const char *watched = getenv("FIREFERRY_TEST_DISK_FOLDER");
  const char *log = getenv("FIREFERRY_TEST_DISK_LOG");
  const char *fault = getenv("FIREFERRY_TEST_DISK_FAULT");
  if (!watched || !log || strlen(watched) >= sizeof folder) return;
  strcpy(folder, watched);
  folder_length = strlen(folder);
  char more = 0;
  if (fault && sscanf(fault, "%ld:%ld:%c", &wanted, &fault_errno, &more) < 2) abort();
  for_good = more == '+';
  long fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd >= 0) log_fd = (int)syscall(SYS_fcntl, (int)fd, F_DUPFD_CLOEXEC, 900);
  syscall(SYS_close, (int)fd);
}

static int is_watched(const char *path) {
  return log_fd >= 0 && strncmp(path, folder, folder_length) == 0 &&
         (path[folder_length] == '/' || path[folder_length] == 0);
}

static int path_of(int fd, char *path) {
  char link[40];
  if (log_fd < 0 || fd < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int saved = errno;
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
  errno = saved;
  if (length < 0) return 0;
  path[length] = 0;
  return is_watched(path);
}

/* The path of a name; the tests use absolute paths and real folders. */
static int path_at(int dir, const char *name, char *path) {
  if (log_fd < 0 || strlen(name) >= PATH_MAX / 2) return 0;
  if (name[0] == '/') {
    strcpy(path, name);
    return is_watched(path);
  }
  if (dir == AT_FDCWD) {
    long length = syscall(SYS_getcwd, path, PATH_MAX / 2);
    if (length <= 0) return 0;
  } else if (!path_of(dir, path)) {
    return 0;
  }
  strcat(path, "/");
  strcat(path, name);
  return is_watched(path);
}

/* Counts the operation; 1 when it has to fail, with errno set. */
static int fails(const char *kind, const char *path) {
  pthread_mutex_lock(&lock);
  long now = ++number;
  int failing = wanted > 0 && (now == wanted || (for_good && now > wanted));
  char line[PATH_MAX + 64];
  int length = snprintf(line, sizeof line, "%ld%s %s %s\n", now, failing ? "!" : "", kind, path);
  if (length > 0 && syscall(SYS_write, log_fd, line, (size_t)length) != length) abort();
  pthread_mutex_unlock(&lock);
  if (failing) errno = (int)fault_errno;
  return failing;
}

static int open_at(int dir, const char *name, int flags, mode_t mode) {
  char path[PATH_MAX];
  if ((flags & (O_CREAT | O_WRONLY | O_RDWR | O_TRUNC)) && path_at(dir, name, path)) {
    struct stat status;
    int saved = errno;
    int is_new = (flags & O_CREAT) && fstatat(dir, name, &status, 0) != 0;
    errno = saved;
    if (fails(is_new ? "create" : "open", path)) return -1;
  }
  return (int)syscall(SYS_openat, dir, name, flags, mode);
}

static mode_t mode_of(int flags, va_list *arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) ? (mode_t)va_arg(*arguments, int) : 0;
}

#define OPEN(NAME)                                     \
  int NAME(const char *name, int flags, ...) {         \
    va_list arguments;                                 \
    va_start(arguments, flags);                        \
    mode_t mode = mode_of(flags, &arguments);          \
    va_end(arguments);                                 \
    return open_at(AT_FDCWD, name, flags, mode);       \
  }
#define OPENAT(NAME)                                   \
  int NAME(int dir, const char *name, int flags, ...) {\
    va_list arguments;                                 \
    va_start(arguments, flags);                        \
    mode_t mode = mode_of(flags, &arguments);          \
    va_end(arguments);                                 \
    return open_at(dir, name, flags, mode);            \
  }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

static int write_fails(int fd) {
  char path[PATH_MAX];
  return path_of(fd, path) && fails("write", path);
}

ssize_t write(int fd, const void *data, size_t length) {
  return write_fails(fd) ? -1 : syscall(SYS_write, fd, data, length);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
  return write_fails(fd) ? -1 : syscall(SYS_pwrite64, fd, data, length, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return pwrite(fd, data, length, offset); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
  return write_fails(fd) ? -1 : syscall(SYS_writev, fd, parts, count);
}

static int cut(int fd, off_t size) {
  char path[PATH_MAX];
  if (path_of(fd, path) && fails("truncate", path)) return -1;
  return (int)syscall(SYS_ftruncate, fd, size);
}
int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

static int sync_file(int fd, long call) {
  char path[PATH_MAX];
  if (path_of(fd, path) && fails("sync", path)) return -1;
  return (int)syscall(call, fd);
}
int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

static int rename_at(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
  char path[PATH_MAX];
  if (path_at(to_dir, to, path) && fails("rename", path)) return -1;
  return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}
int rename(const char *from, const char *to) { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_dir, const char *from, int to_dir, const char *to) {
  return rename_at(from_dir, from, to_dir, to, 0);
}

static int unlink_at(int dir, const char *name, int flags) {
  char path[PATH_MAX];
  if (path_at(dir, name, path) && fails("unlink", path)) return -1;
  return (int)syscall(SYS_unlinkat, dir, name, flags);
}
int unlink(const char *name) { return unlink_at(AT_FDCWD, name, 0); }
int unlinkat(int dir, const char *name, int flags) { return unlink_at(dir, name, flags); }

int mkdir(const char *name, mode_t mode) {
  char path[PATH_MAX];
  if (path_at(AT_FDCWD, name, path) && fails("mkdir", path)) return -1;
  return (int)syscall(SYS_mkdirat, AT_FDCWD, name, mode);
}
