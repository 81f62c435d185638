// SPDX-License-Identifier: MIT
/*
 * Files of an archive against a manifest.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "verify/members.h"

#define DIGEST "0000000000000000000000000000000000000000000000000000000000000001"
#define MANIFEST(rows) "{\"format\":\"cryocore-evidence\",\"processes\":[{\"items\":[" rows "]}]}"
#define ROW(path) "{\"path\":\"" path "\",\"size\":5,\"sha256\":\"" DIGEST "\"}"

static void add(struct cryo_members *members, const char *path, const char *link, uint64_t size)
{
	struct cryo_member member = {.path = (char *)path, .link = (char *)link, .size = size};

	strcpy(member.hex, DIGEST);
	if (link)
		memset(member.hex, 0, sizeof(member.hex));
	cr_assert_eq(cryo_members_add(members, &member), 0);
}

/* The codes of all findings, with blanks behind them. */
static void check(struct cryo_members *members, const char *text, char codes[static 200])
{
	struct cryo_verdict verdict = {0};
	struct json_object *manifest;

	codes[0] = '\0';
	cr_assert_eq(cryo_manifest_parse(text, strlen(text), &verdict, &manifest), 0);
	if (manifest)
		cr_assert_eq(cryo_members_check(members, manifest, &verdict), 0);
	for (size_t i = 0; i < verdict.n_kept; i++)
		strcat(strcat(codes, verdict.findings[i].code), " ");
	cryo_manifest_free(manifest);
	cryo_verdict_clear(&verdict);
	cryo_members_clear(members);
}

#define EXPECT(manifest, expected)                                                                 \
	do {                                                                                       \
		char codes[200];                                                                   \
		check(&members, manifest, codes);                                                  \
		cr_expect_str_eq(codes, expected);                                                 \
	} while (0)

Test(members, as_the_manifest_says)
{
	struct cryo_members members = {0};

	add(&members, "b", NULL, 5);
	add(&members, "a", NULL, 5);
	add(&members, "manifest.json", NULL, 99);
	EXPECT(MANIFEST(ROW("a") "," ROW("b")), "");
}

Test(members, links)
{
	struct cryo_members members = {0};

	add(&members, "a", NULL, 5);
	add(&members, "b", "a", 0);
	add(&members, "c", "b", 0);
	EXPECT(MANIFEST(ROW("a") "," ROW("b") "," ROW("c")), "");
	add(&members, "x", "y", 0);
	add(&members, "y", "x", 0);
	EXPECT(MANIFEST(ROW("x") "," ROW("y")), "missing missing ");
}

Test(members, differences)
{
	struct cryo_members members = {0};

	add(&members, "a", NULL, 6);
	EXPECT(MANIFEST(ROW("a") "," ROW("b")), "size missing ");
	add(&members, "a", NULL, 5);
	members.array[0].hex[0] = '7';
	EXPECT(MANIFEST(ROW("a")), "hash ");
	add(&members, "a", NULL, 5);
	add(&members, "a", NULL, 5);
	add(&members, "z", NULL, 5);
	EXPECT(MANIFEST(ROW("a")), "unlisted unlisted ");
}

Test(members, no_manifest)
{
	static const char *const texts[] = {"", "{", "[]", "null", "{\"format\":\"other\"}",
		"{\"format\":1}", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["};
	struct cryo_members members = {0};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		EXPECT(texts[i], "manifest ");
}
