/* SPDX-License-Identifier: MIT */
/*
 * Preloaded, makes the allocation number NOMEM_AT of main() fail and, with
 * NOMEM_GOOD set, all that follow. With NOMEM_COUNT set, says on stderr at the
 * end how many there were.
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

static atomic_long allocations;
static long fails_at = -1; /* main() has not begun */
static bool for_good;

static void __attribute__((constructor)) begin(void)
{
	const char *at = getenv("NOMEM_AT");

	for_good = getenv("NOMEM_GOOD") != NULL;
	fails_at = at == NULL ? 0 : strtol(at, NULL, 10);
}

static void __attribute__((destructor)) end(void)
{
	if (getenv("NOMEM_COUNT") != NULL)
		fprintf(stderr, "%ld\n", (long)allocations);
}

static bool
fails(void)
{
	long n;

	if (fails_at == -1)
		return false;
	n = atomic_fetch_add(&allocations, 1) + 1;
	if (n != fails_at && !(for_good && fails_at != 0 && n > fails_at))
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
