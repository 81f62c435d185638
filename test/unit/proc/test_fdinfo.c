// SPDX-License-Identifier: MIT
/* /proc/PID/fdinfo/N of Linux 6.18. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>

#include "proc/fdinfo.h"

static const char epoll[] =
	"pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1057\n"
	"tfd:        5 events:       19 data:                5  pos:0 ino:1a sdev:8\n"
	"tfd:        7 events: 80000001 data: ffffffffffffffff  pos:0 ino:2b sdev:9\n";

static bool is(const struct cryo_text *text, const char *word)
{
	return cryo_text_size(text) == strlen(word) &&
	       memcmp(text->at, word, cryo_text_size(text)) == 0;
}

Test(fdinfo, common_lines)
{
	struct cryo_fdinfo info;

	cr_assert_eq(cryo_fdinfo_parse(epoll, strlen(epoll), &info), 0);
	cr_expect_eq(info.position, 0);
	cr_expect_eq(info.flags, (uint64_t)(O_RDWR | O_CLOEXEC));
	cr_expect_eq(info.mount, 15);
	cr_expect_eq(info.inode, 1057);
}

Test(fdinfo, lines_of_a_kind_of_file)
{
	struct cryo_text key, value, number;
	struct cryo_fdinfo info;
	size_t lines = 0;

	cr_assert_eq(cryo_fdinfo_parse(epoll, strlen(epoll), &info), 0);
	while (cryo_fdinfo_next(&info.rest, &key, &value)) {
		cr_expect(is(&key, "tfd"));
		cr_assert(cryo_fdinfo_word(&value, "events", &number));
		cr_expect(is(&number, lines ? "80000001" : "19"));
		cr_assert(cryo_fdinfo_word(&value, "sdev", &number));
		cr_expect(is(&number, lines ? "9" : "8"));
		cr_expect(!cryo_fdinfo_word(&value, "nts", &number), "not the end of a word");
		lines++;
	}
	cr_expect_eq(lines, 2);
}

Test(fdinfo, an_older_kernel_prints_less)
{
	static const char text[] = "pos:\t17\nflags:\t0100001\nPid:\t42\n";
	struct cryo_text key, value;
	struct cryo_fdinfo info;

	cr_assert_eq(cryo_fdinfo_parse(text, strlen(text), &info), 0);
	cr_expect_eq(info.position, 17);
	cr_expect_eq(info.mount, -1);
	cr_assert(cryo_fdinfo_next(&info.rest, &key, &value));
	cr_expect(is(&key, "Pid") && is(&value, "42"));
}

Test(fdinfo, nonsense_is_refused)
{
	static const char *const texts[] = {"", "\n", "flags", "pos:\tx\nflags:\t0\n", "pos:\t0\n",
		"mnt_id:\t1\n", "pos:\t0\nflags:\t8\n"};
	struct cryo_fdinfo info;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_neq(
			cryo_fdinfo_parse(texts[i], strlen(texts[i]), &info), 0, "%s", texts[i]);
}

static void expect_flags(uint64_t flags, const char *text)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};

	cr_assert_eq(cryo_fdinfo_format_flags(flags, &buffer), 0);
	cr_expect_str_eq((const char *)buffer.data, text);
}

Test(fdinfo, flags_have_their_names)
{
	expect_flags(O_RDONLY, "r");
	expect_flags(O_WRONLY | O_APPEND | O_CLOEXEC, "w,append,cloexec");
	expect_flags(O_RDWR | O_SYNC, "rw,sync,dsync");
	expect_flags(O_PATH | O_DIRECTORY, "path,directory");
}
