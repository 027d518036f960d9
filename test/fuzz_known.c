/*
 * SPDX-License-Identifier: MIT
 *
 * Fuzzes the reader of known losses: whatever the lines are, the spans of each
 * quality end up in order and apart, and the span of each line is in one.
 */
/* NOLINTNEXTLINE(bugprone-suspicious-include): for what is static in it */
#include "../coverage.c"

#define MUST(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
spans_judge(const struct spans *joined, const struct spans *each)
{
	const struct span *span;
	size_t i, j;

	for (i = 1; i < joined->n; i++)
		MUST(joined->v[i - 1].end < joined->v[i].start);
	for (i = 0; i < each->n; i++) {
		span = &each->v[i];
		for (j = 0; j < joined->n && joined->v[j].end < span->end;)
			j++;
		MUST(j < joined->n && joined->v[j].start <= span->start &&
		    span->start < span->end);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report reports[] = {{.channel = "ch", .quality = "source"},
	    {.channel = "\xff\t", .quality = "480p"}};
	struct survey survey = {.reports = reports, .reportsz = 2};
	char *line, *rest, *text = calloc(size + 1, 1);
	struct spans each;
	size_t i;

	memcpy(text, data, size);
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;)
		(void)known_line(&survey, line);
	for (i = 0; i < survey.reportsz; i++) {
		each = reports[i].known;
		each.v = malloc(each.n * sizeof(*each.v) + 1);
		if (each.n > 0)
			memcpy(each.v, reports[i].known.v,
			    each.n * sizeof(*each.v));
		spans_sort(&reports[i].known);
		spans_judge(&reports[i].known, &each);
		free(each.v);
		free(reports[i].known.v);
	}
	free(text);
	return 0;
}
