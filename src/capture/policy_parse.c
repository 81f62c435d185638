// SPDX-License-Identifier: MIT
/*
 * --content, word by word. The first word settles the form of the list (signed words change the
 * process's filter, bare ones make a new one), and every later word must have it too: of
 * "a,-b" nobody could say what it starts from.
 */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "capture/policy.h"

static const struct {
	const char *name;
	uint32_t bit;
} bits[] = {
	{"anon-private", CRYO_CONTENT_ANON_PRIVATE},
	{"anon-shared", CRYO_CONTENT_ANON_SHARED},
	{"file-private", CRYO_CONTENT_FILE_PRIVATE},
	{"file-shared", CRYO_CONTENT_FILE_SHARED},
	{"elf-headers", CRYO_CONTENT_ELF_HEADERS},
	{"hugetlb-private", CRYO_CONTENT_HUGETLB_PRIVATE},
	{"hugetlb-shared", CRYO_CONTENT_HUGETLB_SHARED},
	{"dax-private", CRYO_CONTENT_DAX_PRIVATE},
	{"dax-shared", CRYO_CONTENT_DAX_SHARED},
	{"dontdump", CRYO_CONTENT_DONTDUMP},
	{"deleted", CRYO_CONTENT_DELETED},
};

static bool is_word(const char *word, size_t size, const char *name)
{
	return strlen(name) == size && memcmp(word, name, size) == 0;
}

static uint32_t find_bit(const char *word, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (is_word(word, size, bits[i].name))
			return bits[i].bit;
	return 0;
}

/* One word of a list; whether it is a good one. */
static bool parse_word(const char *word, size_t size, struct cryo_policy *policy)
{
	bool has_sign = size && (*word == '+' || *word == '-');
	uint32_t bit = find_bit(word + has_sign, size - has_sign);

	if (!bit || has_sign != policy->use_filter)
		return false;
	policy->set &= ~bit;
	policy->clear &= ~bit;
	if (*word == '-')
		policy->clear |= bit;
	else
		policy->set |= bit;
	return true;
}

static int bad_word(const char *word, const char **ret_bad)
{
	if (ret_bad)
		*ret_bad = word;
	return -EINVAL;
}

int cryo_policy_parse(const char *text, struct cryo_policy *ret_policy, const char **ret_bad)
{
	size_t size = strcspn(text, ",");
	bool kernel = is_word(text, size, "kernel");
	struct cryo_policy policy = {.use_filter = kernel || *text == '+' || *text == '-'};
	const char *word = text;

	if (strcmp(text, "all") == 0) {
		*ret_policy = (struct cryo_policy){.every = true};
		return 0;
	}
	if (strcmp(text, "evidence") == 0) {
		*ret_policy = (struct cryo_policy){.set = CRYO_CONTENT_EVIDENCE};
		return 0;
	}
	for (;; word += size + 1) {
		size = strcspn(word, ",");
		if (!(kernel && word == text) && !parse_word(word, size, &policy))
			return bad_word(word, ret_bad);
		if (!word[size])
			break;
	}
	*ret_policy = policy;
	return 0;
}
