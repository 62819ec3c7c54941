/* Has an operation of the system on files below a folder fail: the n-th, counted over all processes that load this, or
it and all after it.

Loaded with LD_PRELOAD. The file that DISK_FAULTS names is shared by all of these processes and holds a struct faults:
which folder, which operation, which error; and what has been counted and done. Operations of glibc within itself are not
seen, but every call into it is, from Python, torch or any other library. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utime.h>

struct faults {
    long is_on;
    long fail_at; /* number of the operation that fails, 0 for none */
    long lasts; /* whether all after it fail, too */
    long error;
    long count; /* operations so far */
    long failed; /* operations that failed */
    char folder[PATH_MAX];
    char operation[64]; /* the first that failed, and on which path */
    char path[PATH_MAX];
};

static struct faults *faults;

__attribute__((constructor)) static void load(void)
{
    const char *name = getenv("DISK_FAULTS");
    int fd = name ? (int)syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *shared = mmap(NULL, sizeof(struct faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    faults = shared == MAP_FAILED ? NULL : shared;
}

/* Write the path that an open file or folder has into a buffer of PATH_MAX; "" if it has none. */
static void path_of(int fd, char *buffer)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, PATH_MAX - 1);
    buffer[length > 0 ? length : 0] = 0;
}

static int fails_at(const char *operation, const char *path)
{
    size_t length = strlen(faults->folder);
    if (strncmp(path, faults->folder, length) || (path[length] && path[length] != '/'))
        return 0;
    long number = __atomic_add_fetch(&faults->count, 1, __ATOMIC_SEQ_CST);
    if (!faults->fail_at || number < faults->fail_at || (number > faults->fail_at && !faults->lasts))
        return 0;
    if (number == faults->fail_at) {
        snprintf(faults->operation, sizeof faults->operation, "%s", operation);
        snprintf(faults->path, sizeof faults->path, "%s", path);
    }
    __atomic_add_fetch(&faults->failed, 1, __ATOMIC_SEQ_CST);
    errno = (int)faults->error;
    return 1;
}

static int fails(const char *operation, int folder, const char *path)
{
    char whole[2 * PATH_MAX + 2] = "";
    int before = errno;
    if (!faults || !faults->is_on || !path)
        return 0;
    if (*path != '/') {
        if (folder == AT_FDCWD) {
            if (syscall(SYS_getcwd, whole, PATH_MAX) < 0)
                *whole = 0;
        } else
            path_of(folder, whole);
        if (*path)
            strcat(whole, "/");
    }
    strncat(whole, path, PATH_MAX);
    errno = before;
    return fails_at(operation, whole);
}

static int fails_open(const char *operation, int fd)
{
    char path[PATH_MAX];
    int before = errno;
    if (!faults || !faults->is_on || fd < 0)
        return 0;
    path_of(fd, path);
    errno = before;
    return fails_at(operation, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A call on a path, on a path below an open folder, and on an open file. */
#define ON_PATH(type, error, name, declared, path, ...)                                                                \
    type name declared { return fails(#name, AT_FDCWD, path) ? (type)error : REAL(name)(__VA_ARGS__); }
#define IN_FOLDER(name, declared, folder, path, ...)                                                                   \
    int name declared { return fails(#name, folder, path) ? -1 : REAL(name)(__VA_ARGS__); }
#define ON_OPEN(type, name, declared, fd, ...)                                                                         \
    type name declared { return fails_open(#name, fd) ? (type)-1 : REAL(name)(__VA_ARGS__); }

#define OPENS(name)                                                                                                    \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode_t mode = va_arg(more, mode_t);                                                                            \
        va_end(more);                                                                                                  \
        return fails(flags & O_ACCMODE ? #name " to write" : #name, AT_FDCWD, path) ? -1 : REAL(name)(path, flags, mode); \
    }
#define OPENS_IN(name)                                                                                                 \
    int name(int folder, const char *path, int flags, ...)                                                             \
    {                                                                                                                  \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode_t mode = va_arg(more, mode_t);                                                                            \
        va_end(more);                                                                                                  \
        return fails(flags & O_ACCMODE ? #name " to write" : #name, folder, path) ? -1                                  \
                                                                                  : REAL(name)(folder, path, flags, mode); \
    }

OPENS(open)
OPENS(open64)
OPENS_IN(openat)
OPENS_IN(openat64)
ON_PATH(int, -1, creat, (const char *path, mode_t mode), path, path, mode)
ON_PATH(FILE *, NULL, fopen, (const char *path, const char *mode), path, path, mode)
ON_PATH(FILE *, NULL, fopen64, (const char *path, const char *mode), path, path, mode)
ON_PATH(DIR *, NULL, opendir, (const char *path), path, path)

ON_OPEN(ssize_t, read, (int fd, void *buffer, size_t size), fd, fd, buffer, size)
ON_OPEN(ssize_t, pread, (int fd, void *buffer, size_t size, off_t at), fd, fd, buffer, size, at)
ON_OPEN(ssize_t, pread64, (int fd, void *buffer, size_t size, off64_t at), fd, fd, buffer, size, at)
ON_OPEN(ssize_t, write, (int fd, const void *buffer, size_t size), fd, fd, buffer, size)
ON_OPEN(ssize_t, pwrite, (int fd, const void *buffer, size_t size, off_t at), fd, fd, buffer, size, at)
ON_OPEN(ssize_t, pwrite64, (int fd, const void *buffer, size_t size, off64_t at), fd, fd, buffer, size, at)
ON_OPEN(ssize_t, writev, (int fd, const struct iovec *parts, int count), fd, fd, parts, count)
ON_OPEN(int, fsync, (int fd), fd, fd)
ON_OPEN(int, fdatasync, (int fd), fd, fd)
ON_OPEN(int, ftruncate, (int fd, off_t size), fd, fd, size)
ON_OPEN(int, ftruncate64, (int fd, off64_t size), fd, fd, size)
ON_OPEN(int, fchmod, (int fd, mode_t mode), fd, fd, mode)
ON_OPEN(int, futimens, (int fd, const struct timespec times[2]), fd, fd, times)
ON_OPEN(int, flock, (int fd, int operation), fd, fd, operation)
ON_OPEN(int, fstat, (int fd, struct stat *found), fd, fd, found)
ON_OPEN(int, fstat64, (int fd, struct stat64 *found), fd, fd, found)

ON_PATH(int, -1, stat, (const char *path, struct stat *found), path, path, found)
ON_PATH(int, -1, stat64, (const char *path, struct stat64 *found), path, path, found)
ON_PATH(int, -1, lstat, (const char *path, struct stat *found), path, path, found)
ON_PATH(int, -1, lstat64, (const char *path, struct stat64 *found), path, path, found)
IN_FOLDER(fstatat, (int folder, const char *path, struct stat *found, int flags), folder, path, folder, path, found, flags)
IN_FOLDER(fstatat64, (int folder, const char *path, struct stat64 *found, int flags), folder, path, folder, path, found, flags)
IN_FOLDER(statx, (int folder, const char *path, int flags, unsigned mask, struct statx *found), folder, path, folder, path, flags, mask, found)
ON_PATH(int, -1, access, (const char *path, int mode), path, path, mode)
IN_FOLDER(faccessat, (int folder, const char *path, int mode, int flags), folder, path, folder, path, mode, flags)
ON_PATH(ssize_t, -1, readlink, (const char *path, char *buffer, size_t size), path, path, buffer, size)

ON_PATH(int, -1, rename, (const char *path, const char *target), target, path, target)
IN_FOLDER(renameat, (int from, const char *path, int to, const char *target), to, target, from, path, to, target)
IN_FOLDER(renameat2, (int from, const char *path, int to, const char *target, unsigned flags), to, target, from, path, to, target, flags)
ON_PATH(int, -1, mkdir, (const char *path, mode_t mode), path, path, mode)
IN_FOLDER(mkdirat, (int folder, const char *path, mode_t mode), folder, path, folder, path, mode)
ON_PATH(int, -1, unlink, (const char *path), path, path)
IN_FOLDER(unlinkat, (int folder, const char *path, int flags), folder, path, folder, path, flags)
ON_PATH(int, -1, rmdir, (const char *path), path, path)
ON_PATH(int, -1, remove, (const char *path), path, path)
ON_PATH(int, -1, link, (const char *path, const char *target), target, path, target)
IN_FOLDER(linkat, (int from, const char *path, int to, const char *target, int flags), to, target, from, path, to, target, flags)
ON_PATH(int, -1, symlink, (const char *path, const char *target), target, path, target)
ON_PATH(int, -1, truncate, (const char *path, off_t size), path, path, size)
ON_PATH(int, -1, truncate64, (const char *path, off64_t size), path, path, size)
ON_PATH(int, -1, chmod, (const char *path, mode_t mode), path, path, mode)
IN_FOLDER(fchmodat, (int folder, const char *path, mode_t mode, int flags), folder, path, folder, path, mode, flags)
ON_PATH(int, -1, utime, (const char *path, const struct utimbuf *times), path, path, times)
ON_PATH(int, -1, utimes, (const char *path, const struct timeval times[2]), path, path, times)
IN_FOLDER(utimensat, (int folder, const char *path, const struct timespec times[2], int flags), folder, path, folder, path, times, flags)

DIR *fdopendir(int fd) { return fails_open("fdopendir", fd) ? NULL : REAL(fdopendir)(fd); }

struct dirent *readdir(DIR *folder) { return fails_open("readdir", dirfd(folder)) ? NULL : REAL(readdir)(folder); }

struct dirent64 *readdir64(DIR *folder)
{
    return fails_open("readdir64", dirfd(folder)) ? NULL : REAL(readdir64)(folder);
}

/* As on network disks, what could not be written is told when the file is closed; it is closed all the same. */
int close(int fd)
{
    int is_failing = fails_open("close", fd), error = errno, result = REAL(close)(fd);
    if (!is_failing)
        return result;
    errno = error;
    return -1;
}
