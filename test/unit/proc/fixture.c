// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/io.h"

struct fixture fixture_load(const char *name)
{
	_cleanup_buffer_ struct cryo_buffer path = {0}, text = {0};
	_cleanup_close_ int fd = -1;

	cr_assert_eq(cryo_buffer_printf(&path, FIXTURES "/proc/%s", name), 0);
	fd = open((char *)path.data, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s is missing", (char *)path.data);
	cr_assert_eq(cryo_io_read_all(fd, 1 << 24, &text), 0);
	return fixture_of((char *)text.data, text.size);
}

struct fixture fixture_of(const char *text, size_t size)
{
	struct fixture fixture = {malloc(size ? size : 1), size};

	cr_assert_not_null(fixture.text);
	memcpy(fixture.text, text, size);
	return fixture;
}

void fixture_free(struct fixture *fixture)
{
	free(fixture->text);
}
