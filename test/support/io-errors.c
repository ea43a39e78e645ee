/* Loaded with LD_PRELOAD: calls on files below IO_ERRORS_BELOW fail with EIO from call number IO_ERRORS_FROM on, counted
   for the kind IO_ERRORS_KIND: 'w' writes, 'r' reads, 's' fsync and fdatasync. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

static int fails(int file, char kind) {
  const char *below = getenv("IO_ERRORS_BELOW"), *kinds = getenv("IO_ERRORS_KIND"), *from = getenv("IO_ERRORS_FROM");
  char link[64], path[4096];
  if (below == NULL || kinds == NULL || from == NULL || strchr(kinds, kind) == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (strncmp(path, below, strlen(below)) != 0) return 0;
  if (atomic_fetch_add(&calls, 1) + 1 < atol(from)) return 0;
  errno = EIO;
  return 1;
}

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *bytes, size_t size) { return fails(file, 'w') ? -1 : REAL(write)(file, bytes, size); }
ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) {
  return fails(file, 'w') ? -1 : REAL(pwrite)(file, bytes, size, at);
}
ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at) {
  return fails(file, 'w') ? -1 : REAL(pwrite64)(file, bytes, size, at);
}
ssize_t read(int file, void *bytes, size_t size) { return fails(file, 'r') ? -1 : REAL(read)(file, bytes, size); }
ssize_t pread(int file, void *bytes, size_t size, off_t at) {
  return fails(file, 'r') ? -1 : REAL(pread)(file, bytes, size, at);
}
ssize_t pread64(int file, void *bytes, size_t size, off64_t at) {
  return fails(file, 'r') ? -1 : REAL(pread64)(file, bytes, size, at);
}
int fsync(int file) { return fails(file, 's') ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return fails(file, 's') ? -1 : REAL(fdatasync)(file); }
