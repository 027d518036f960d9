/*
 * SPDX-License-Identifier: MIT
 *
 * Fuzzes the reader of peers' reports, and what is made of them: up to three
 * reports, form feeds between them, of nodes of which two have one name.
 */
#include <stdlib.h>
#include <string.h>

#include "../segparse.h"

#define MUST(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct options opt = {.name = "here",
	    .base_dir = ".",
	    .now = INT64_C(1763186400) * SECOND,
	    .settle = MINUTE,
	    .window = {INT64_MIN, INT64_MAX},
	    .max_age = -1};
	struct survey s = {.peers = calloc(3, sizeof(*s.peers))};
	const uint8_t *end;
	const struct fleet *f;
	char *out, *text;
	FILE *fp = open_memstream(&out, &(size_t){0});
	size_t i, length;

	for (; s.peersz < 3; s.peersz++, data += length, size -= length) {
		end = memchr(data, '\f', size);
		length = end == NULL ? size : (size_t)(end - data);
		text = calloc(length + 1, 1);
		memcpy(text, data, length);
		s.peers[s.peersz].name = s.peersz == 1 ? "b" : "a";
		s.peers[s.peersz].file = "file";
		peer_parse(s.peers, s.peersz, text, length);
		free(text);
		length += end != NULL;
	}
	fleet_make(&opt, &s);
	report_json(fp, &opt, &s, NULL);
	report_text(fp, &opt, &s, NULL);
	report_holes(fp, &opt, &s, NULL);
	report_metrics(fp, &opt, &s, NULL);
	report_check(fp, &opt, &s, false);
	fclose(fp);
	free(out);
	for (i = 0; i < s.reportsz; i++) {
		f = s.reports[i].fleet;
		MUST(f->together.covered + f->tallies[GAP_LOST].duration +
			f->tallies[GAP_UNKNOWN].duration ==
		    f->range.end - f->range.start);
		fleet_free(s.reports[i].fleet);
	}
	for (i = 0; i < s.notes.n; i++)
		free(s.notes.v[i]);
	free(s.notes.v);
	free(s.reports);
	peers_free(s.peers, s.peersz);
	return 0;
}
