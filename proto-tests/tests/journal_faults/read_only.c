/* A disk that turns read-only under an open file, as the system does when it finds a damaged one. No file system does it on request while
   files are open for writing. Below the folder READ_ONLY_BELOW nothing can be written as long as the file READ_ONLY_WHILE exists. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int turned(void) {
  const char *file = getenv("READ_ONLY_WHILE");
  return file && access(file, F_OK) == 0;
}

static int below(const char *path) {
  const char *folder = getenv("READ_ONLY_BELOW");
  return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static int refused(int fd) {
  char name[64], path[4096];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(name, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (!below(path) || !turned()) return 0;
  errno = EROFS;
  return 1;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define ON_FD(type, name, parameters, arguments) \
  type name parameters { REAL(name); return refused(fd) ? -1 : real arguments; }

ON_FD(ssize_t, write, (int fd, const void *data, size_t count), (fd, data, count))
ON_FD(ssize_t, pwrite, (int fd, const void *data, size_t count, off_t at), (fd, data, count, at))
ON_FD(ssize_t, pwrite64, (int fd, const void *data, size_t count, off64_t at), (fd, data, count, at))
ON_FD(int, ftruncate, (int fd, off_t length), (fd, length))
ON_FD(int, ftruncate64, (int fd, off64_t length), (fd, length))

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = va_arg(rest, mode_t); \
    va_end(rest); \
    if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && below(path) && turned()) { errno = EROFS; return -1; } \
    return real(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
