// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <string.h>

#include "evidence/open_with.h"

Test(open_with, gdb_gets_sysroot_before_program_and_core)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	const char *commands, *root, *exe, *core;

	cr_assert_eq(cryo_open_with_gdb(7, true, true, &text), 0);
	commands = (const char *)text.data;
	root = strstr(commands, "\nset sysroot proc/7/root\n");
	exe = strstr(commands, "\nfile proc/7/exe\n");
	core = strstr(commands, "\ncore-file proc/7/core\n");
	cr_assert(root && exe && core);
	cr_expect(root < exe && exe < core);
	cr_expect(strstr(commands, "set auto-load python-scripts off\n"));
}

Test(open_with, what_is_not_there_is_not_named)
{
	_cleanup_buffer_ struct cryo_buffer gdb = {0}, lldb = {0};

	cr_assert_eq(cryo_open_with_gdb(7, false, false, &gdb), 0);
	cr_assert_eq(cryo_open_with_lldb(7, false, false, &lldb), 0);
	cr_expect_null(strstr((const char *)gdb.data, "sysroot"));
	cr_expect_null(strstr((const char *)gdb.data, "\nfile"));
	cr_expect_null(strstr((const char *)lldb.data, "sysroot"));
	cr_expect(strstr((const char *)lldb.data, "\ntarget create --core proc/7/core\n"));
}

Test(open_with, readme_has_a_line_for_each_core)
{
	struct cryo_open_with_row rows[] = {{7, "sleep"}, {12, "a\nb"}};
	_cleanup_buffer_ struct cryo_buffer text = {0};

	cr_assert_eq(cryo_open_with_readme(rows, 2, &text), 0);
	cr_expect(strstr((const char *)text.data, "gdb -x proc/7/gdbinit\tsleep\n"));
	cr_expect(strstr((const char *)text.data, "gdb -x proc/12/gdbinit\ta\\x0ab\n"));
}
