/*
 * Preloaded, makes allocations fail: NOMEM_AT=N the N-th of the program and,
 * with NOMEM_GOOD set, all after it. Says on stderr at the end how many there
 * were where NOMEM_COUNT is set. What is allocated before main() is spared.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void *real_malloc(size_t) __asm__("__libc_malloc");
void *real_calloc(size_t, size_t) __asm__("__libc_calloc");
void *real_realloc(void *, size_t) __asm__("__libc_realloc");
void *real_memalign(size_t, size_t) __asm__("__libc_memalign");

static atomic_long allocations = -1; /* -1: main() has not begun */
static long fails_at;
static bool for_good;

static void __attribute__((constructor)) begin(void)
{
	const char *at = getenv("NOMEM_AT");

	for_good = getenv("NOMEM_GOOD") != NULL;
	fails_at = at == NULL ? 0 : strtol(at, NULL, 10);
	allocations = 0;
}

static void __attribute__((destructor)) end(void)
{
	if (getenv("NOMEM_COUNT") != NULL)
		(void)fprintf(stderr, "%ld\n", (long)allocations);
}

static bool
fails(void)
{
	long n;

	if (allocations == -1)
		return false;
	n = atomic_fetch_add(&allocations, 1) + 1;
	if (fails_at == 0 || n < fails_at || (n > fails_at && !for_good))
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : real_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : real_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	return fails() ? NULL : real_realloc(p, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : real_memalign(alignment, size);
}

int
posix_memalign(void **p, size_t alignment, size_t size)
{
	if (fails())
		return ENOMEM;
	*p = real_memalign(alignment, size);
	return *p == NULL ? ENOMEM : 0;
}
