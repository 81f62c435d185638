// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "capture/policy.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

Test(policy_parse, good)
{
	static const struct {
		const char *text;
		bool use_filter;
		uint32_t set, clear;
		bool every;
	} cases[] = {
		{"kernel", true, 0, 0, false},
		{"all", false, 0, 0, true},
		{"anon-private", false, 1, 0, false},
		{"anon-shared", false, 2, 0, false},
		{"file-private", false, 4, 0, false},
		{"file-shared", false, 8, 0, false},
		{"elf-headers", false, 16, 0, false},
		{"hugetlb-private", false, 32, 0, false},
		{"hugetlb-shared", false, 64, 0, false},
		{"dax-private", false, 128, 0, false},
		{"dax-shared", false, 256, 0, false},
		{"dontdump", false, 512, 0, false},
		{"anon-private,file-shared,anon-private", false, 9, 0, false},
		{"+file-private", true, 4, 0, false},
		{"-anon-private,+dontdump", true, 512, 1, false},
		{"kernel,+file-private,-elf-headers", true, 4, 16, false},
		{"+dontdump,-dontdump", true, 0, 512, false},
		{"-dontdump,+dontdump", true, 512, 0, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cryo_policy policy;
		const char *bad = NULL;

		cr_expect_eq(
			cryo_policy_parse(cases[i].text, &policy, &bad), 0, "%s", cases[i].text);
		cr_expect_eq(policy.use_filter, cases[i].use_filter, "%s", cases[i].text);
		cr_expect_eq(policy.set, cases[i].set, "%s", cases[i].text);
		cr_expect_eq(policy.clear, cases[i].clear, "%s", cases[i].text);
		cr_expect_eq(policy.every, cases[i].every, "%s", cases[i].text);
		cr_expect_null(bad);
	}
}

Test(policy_parse, bad)
{
	static const struct {
		const char *text;
		size_t at;
	} cases[] = {
		{"", 0},
		{",", 0},
		{"+", 0},
		{"-", 0},
		{"Kernel", 0},
		{"anon", 0},
		{"anon-privatex", 0},
		{" anon-private", 0},
		{"anon-private,", 13},
		{"anon-private,,file-shared", 13},
		{"anon-private,+file-shared", 13},
		{"+anon-private,file-shared", 14},
		{"kernel,file-shared", 7},
		{"kernel,", 7},
		{"kernel,kernel", 7},
		{"anon-private,kernel", 13},
		{"all,+dontdump", 0},
		{"+all", 0},
		{"++dontdump", 0},
		{"kernel,+dontdump,-x", 17},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cryo_policy policy = {.set = 4711};
		const char *bad = NULL;

		cr_expect_eq(cryo_policy_parse(cases[i].text, &policy, &bad), -EINVAL, "%s",
			cases[i].text);
		cr_expect_eq(bad, cases[i].text + cases[i].at, "%s", cases[i].text);
		cr_expect_eq(policy.set, 4711, "written in spite of an error: %s", cases[i].text);
		cr_expect_eq(cryo_policy_parse(cases[i].text, &policy, NULL), -EINVAL);
	}
}
