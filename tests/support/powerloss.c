/* Records what a process does to the files below one folder, so that a test can build the disk that a power loss at
 * any moment would have left. Loaded by LD_PRELOAD; Linux, glibc.
 *
 *   FIREFERRY_TEST_POWERLOSS_FOLDER  files below this folder are watched (an absolute path without symbolic links)
 *   FIREFERRY_TEST_POWERLOSS_LOG     where the record is appended
 *
 * Every operation is done and recorded under one lock: the record has the order in which things happened. What the
 * process prints is recorded too: a promise shown to the user can be compared with what was durable at that moment.
 *
 * A record is: kind (1 byte), 3 bytes of zeros, length of the path (4), length of the data (8), inode (8), offset (8),
 * then path and data; integers in the byte order of the machine.
 *
 * Not seen: writes through shared mappings (SQLite's -shm file alone, which is rebuilt after a loss; any other such
 * mapping is recorded as 'X', on which the test fails) and system calls made without the C library.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
  OPENED = 'O',    /* path, inode: an existing file */
  CREATED = 'C',   /* path, inode: a new file */
  WRITTEN = 'W',   /* inode, offset, data */
  TRUNCATED = 'T', /* inode, offset: the new size */
  SYNCED = 'S',    /* inode */
  DIR_SYNCED = 'D',/* path of the folder */
  RENAMED = 'R',   /* path: from; data: to */
  UNLINKED = 'U',  /* path */
  MADE_DIR = 'M',  /* path */
  PRINTED = 'P',   /* offset: 1 or 2; data */
  UNKNOWN = 'X'    /* path: of something that this shim does not follow */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static int log_fd = -1;

__attribute__((constructor)) static void start(void) {
  const char *watched = getenv("FIREFERRY_TEST_POWERLOSS_FOLDER");
  const char *log = getenv("FIREFERRY_TEST_POWERLOSS_LOG");
  if (!watched || !log || strlen(watched) >= sizeof folder) return;
  strcpy(folder, watched);
  folder_length = strlen(folder);
  long fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  /* Out of the way of the small numbers that programs expect. */
  log_fd = (int)syscall(SYS_fcntl, (int)fd, F_DUPFD_CLOEXEC, 900);
  syscall(SYS_close, (int)fd);
}

static void put(const void *data, size_t length) {
  const char *next = data;
  while (length > 0) {
    long done = syscall(SYS_write, log_fd, next, length);
    if (done <= 0) abort(); /* A record with a hole proves nothing. */
    next += done;
    length -= (size_t)done;
  }
}

static void record(char kind, const char *path, uint64_t inode, uint64_t offset, const void *data, uint64_t length) {
  int saved = errno;
  unsigned char head[32] = {0};
  uint32_t path_length = path ? (uint32_t)strlen(path) : 0;
  head[0] = (unsigned char)kind;
  memcpy(head + 4, &path_length, 4);
  memcpy(head + 8, &length, 8);
  memcpy(head + 16, &inode, 8);
  memcpy(head + 24, &offset, 8);
  put(head, sizeof head);
  if (path_length) put(path, path_length);
  if (length) put(data, length);
  errno = saved;
}

static int is_watched(const char *path) {
  return log_fd >= 0 && strncmp(path, folder, folder_length) == 0 &&
         (path[folder_length] == '/' || path[folder_length] == 0);
}

/* The path behind a descriptor; 0 unless it is watched. */
static int path_of(int fd, char *path) {
  if (log_fd < 0) return 0;
  char link[40] = "/proc/self/fd/";
  char digits[16];
  int count = 0, number = fd;
  if (fd < 0) return 0;
  do digits[count++] = (char)('0' + number % 10);
  while (number /= 10);
  size_t at = strlen(link);
  while (count) link[at++] = digits[--count];
  link[at] = 0;
  int saved = errno;
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
  errno = saved;
  if (length < 0) return 0;
  path[length] = 0;
  return is_watched(path);
}

/* The path of a name as the kernel sees it: its folder's real path and its last part. 0 unless it is watched. */
static int path_at(int dir, const char *name, char *path) {
  if (log_fd < 0) return 0;
  char parent[PATH_MAX];
  size_t length = strlen(name);
  if (length == 0 || length >= PATH_MAX) return 0;
  strcpy(parent, name);
  while (length > 1 && parent[length - 1] == '/') parent[--length] = 0;
  char *slash = strrchr(parent, '/');
  const char *last = slash ? slash + 1 : parent;
  char leaf[NAME_MAX + 1];
  if (strlen(last) > NAME_MAX) return 0;
  strcpy(leaf, last);
  if (!slash) strcpy(parent, ".");
  else if (slash == parent) parent[1] = 0;
  else *slash = 0;
  int saved = errno;
  long fd = syscall(SYS_openat, dir, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
  errno = saved;
  if (fd < 0) return 0;
  int found = path_of((int)fd, path);
  syscall(SYS_close, (int)fd);
  errno = saved;
  if (!found || strlen(path) + 1 + strlen(leaf) >= PATH_MAX) return 0;
  strcat(path, "/");
  strcat(path, leaf);
  return 1;
}

static uint64_t inode_of(int fd) {
  struct stat status;
  int saved = errno;
  int result = fstat(fd, &status);
  errno = saved;
  return result == 0 ? (uint64_t)status.st_ino : 0;
}

static int open_at(int dir, const char *name, int flags, mode_t mode) {
  pthread_mutex_lock(&lock);
  int was_there = 1;
  if (log_fd >= 0 && (flags & O_CREAT)) {
    struct stat status;
    int saved = errno;
    was_there = fstatat(dir, name, &status, 0) == 0;
    errno = saved;
  }
  int fd = (int)syscall(SYS_openat, dir, name, flags, mode);
  char path[PATH_MAX];
  if (fd >= 0 && path_of(fd, path)) {
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
      record(was_there ? OPENED : CREATED, path, (uint64_t)status.st_ino, 0, NULL, 0);
      if (flags & O_TRUNC) record(TRUNCATED, NULL, (uint64_t)status.st_ino, 0, NULL, 0);
    }
    if ((flags & O_TMPFILE) == O_TMPFILE) record(UNKNOWN, path, 0, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  return fd;
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
int creat(const char *name, mode_t mode) { return open_at(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *name, mode_t mode) { return creat(name, mode); }

/* Writes at `offset`, or where the descriptor stands. */
static ssize_t write_at(int fd, const void *data, size_t length, off_t offset, int positioned) {
  char path[PATH_MAX];
  pthread_mutex_lock(&lock);
  int watched = path_of(fd, path);
  if (watched && !positioned) {
    int flags = fcntl(fd, F_GETFL);
    offset = (off_t)syscall(SYS_lseek, fd, 0, (flags & O_APPEND) ? SEEK_END : SEEK_CUR);
  }
  ssize_t done = positioned ? syscall(SYS_pwrite64, fd, data, length, offset) : syscall(SYS_write, fd, data, length);
  if (done > 0 && watched) record(WRITTEN, NULL, inode_of(fd), (uint64_t)offset, data, (uint64_t)done);
  else if (done > 0 && log_fd >= 0 && (fd == 1 || fd == 2)) record(PRINTED, NULL, 0, (uint64_t)fd, data, (uint64_t)done);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t write(int fd, const void *data, size_t length) { return write_at(fd, data, length, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return write_at(fd, data, length, offset, 1); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return write_at(fd, data, length, offset, 1); }

/* A short write is allowed: the first part that is not empty. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
  for (int index = 0; index < count; index++)
    if (parts[index].iov_len) return write_at(fd, parts[index].iov_base, parts[index].iov_len, 0, 0);
  return 0;
}

static int truncate_to(int fd, off_t size) {
  char path[PATH_MAX];
  pthread_mutex_lock(&lock);
  int result = (int)syscall(SYS_ftruncate, fd, size);
  if (result == 0 && path_of(fd, path)) record(TRUNCATED, NULL, inode_of(fd), (uint64_t)size, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int ftruncate(int fd, off_t size) { return truncate_to(fd, size); }
int ftruncate64(int fd, off_t size) { return truncate_to(fd, size); }

/* Space without content is a larger file; what the file system reserves does not matter. */
int posix_fallocate(int fd, off_t offset, off_t length) {
  struct stat status;
  if (fstat(fd, &status) != 0) return errno;
  if (offset + length <= status.st_size) return 0;
  return truncate_to(fd, offset + length) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off_t offset, off_t length) { return posix_fallocate(fd, offset, length); }
int fallocate(int fd, int mode, off_t offset, off_t length) {
  (void)fd, (void)mode, (void)offset, (void)length;
  errno = EOPNOTSUPP;
  return -1;
}
int fallocate64(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }

static int sync_file(int fd, long call) {
  char path[PATH_MAX];
  struct stat status;
  pthread_mutex_lock(&lock);
  int result = (int)syscall(call, fd);
  if (result == 0 && path_of(fd, path) && fstat(fd, &status) == 0) {
    if (S_ISDIR(status.st_mode)) record(DIR_SYNCED, path, 0, 0, NULL, 0);
    else record(SYNCED, NULL, (uint64_t)status.st_ino, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  return result;
}
int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

static int rename_at(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
  char old_path[PATH_MAX], new_path[PATH_MAX];
  pthread_mutex_lock(&lock);
  int leaves = path_at(from_dir, from, old_path), arrives = path_at(to_dir, to, new_path);
  int result = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
  if (result == 0 && (leaves || arrives)) {
    if (leaves && arrives && (flags & ~1u) == 0) record(RENAMED, old_path, 0, 0, new_path, strlen(new_path));
    else record(UNKNOWN, leaves ? old_path : new_path, 0, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  return result;
}
int rename(const char *from, const char *to) { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_dir, const char *from, int to_dir, const char *to) {
  return rename_at(from_dir, from, to_dir, to, 0);
}
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
  return rename_at(from_dir, from, to_dir, to, flags);
}

static int unlink_at(int dir, const char *name, int flags) {
  char path[PATH_MAX];
  pthread_mutex_lock(&lock);
  int watched = path_at(dir, name, path);
  int result = (int)syscall(SYS_unlinkat, dir, name, flags);
  if (result == 0 && watched) record(UNLINKED, path, 0, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int unlink(const char *name) { return unlink_at(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlink_at(AT_FDCWD, name, AT_REMOVEDIR); }
int unlinkat(int dir, const char *name, int flags) { return unlink_at(dir, name, flags); }

static int mkdir_at(int dir, const char *name, mode_t mode) {
  char path[PATH_MAX];
  pthread_mutex_lock(&lock);
  int result = (int)syscall(SYS_mkdirat, dir, name, mode);
  if (result == 0 && path_at(dir, name, path)) record(MADE_DIR, path, 0, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int mkdir(const char *name, mode_t mode) { return mkdir_at(AT_FDCWD, name, mode); }
int mkdirat(int dir, const char *name, mode_t mode) { return mkdir_at(dir, name, mode); }

/* A second name for a file is not followed. */
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
  char path[PATH_MAX];
  pthread_mutex_lock(&lock);
  int result = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
  if (result == 0 && path_at(to_dir, to, path)) record(UNKNOWN, path, 0, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

/* Copies inside of the kernel are refused; callers then read and write. */
ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t length, unsigned flags) {
  (void)in, (void)in_at, (void)out, (void)out_at, (void)length, (void)flags;
  errno = EOPNOTSUPP;
  return -1;
}
ssize_t sendfile(int out, int in, off_t *offset, size_t length) {
  (void)out, (void)in, (void)offset, (void)length;
  errno = EINVAL;
  return -1;
}
ssize_t sendfile64(int out, int in, off_t *offset, size_t length) { return sendfile(out, in, offset, length); }

static void *map(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  char path[PATH_MAX];
  long result = syscall(SYS_mmap, address, length, protection, flags, fd, offset);
  if (result != -1 && fd >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE) && path_of(fd, path)) {
    size_t end = strlen(path);
    if (end < 4 || strcmp(path + end - 4, "-shm") != 0) {
      pthread_mutex_lock(&lock);
      record(UNKNOWN, path, 0, 0, NULL, 0);
      pthread_mutex_unlock(&lock);
    }
  }
  return (void *)result;
}
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  return map(address, length, protection, flags, fd, offset);
}
void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  return map(address, length, protection, flags, fd, offset);
}
