// SPDX-License-Identifier: MIT
/* Vectors of both word sizes, taken from the kernel, and cut ones. */
#include <criterion/criterion.h>
#include <elf.h>

#include "fixture.h"
#include "proc/auxv.h"

Test(auxv, of_a_64_bit_process)
{
	_cleanup_fixture_ struct fixture auxv = fixture_load("10497/auxv");
	uint64_t value;

	cr_assert_eq(cryo_auxv_size(auxv.text, auxv.size, 8), auxv.size);
	cr_assert(cryo_auxv_get(auxv.text, auxv.size, 8, AT_PAGESZ, &value));
	cr_assert_eq(value, 4096);
	cr_assert(cryo_auxv_get(auxv.text, auxv.size, 8, AT_NULL, &value));
	cr_assert_eq(value, 0);
}

Test(auxv, of_a_32_bit_process_ends_before_the_words_behind_it)
{
	_cleanup_fixture_ struct fixture auxv = fixture_load("10504/auxv");
	uint64_t value;
	size_t size = cryo_auxv_size(auxv.text, auxv.size, 4);

	cr_assert_gt(size, 0);
	cr_assert_leq(size, auxv.size);
	cr_assert_eq(size % 8, 0);
	cr_assert(cryo_auxv_get(auxv.text, auxv.size, 4, AT_PAGESZ, &value));
	cr_assert_eq(value, 4096);
}

Test(auxv, words_behind_the_end_do_not_count)
{
	static const uint32_t words[] = {AT_UID, 5, AT_NULL, 0, AT_GID, 6, AT_NULL, 0};
	uint64_t value = 4711;

	cr_assert_eq(cryo_auxv_size(words, sizeof(words), 4), 16);
	cr_assert_not(cryo_auxv_get(words, sizeof(words), 4, AT_GID, &value));
	cr_assert_eq(value, 4711);
	cr_assert(cryo_auxv_get(words, sizeof(words), 4, AT_UID, &value));
	cr_assert_eq(value, 5);
}

Test(auxv, without_an_end_has_no_size)
{
	_cleanup_fixture_ struct fixture auxv = fixture_load("10497/auxv");
	uint64_t value;

	for (size_t size = 0; size < auxv.size; size++) {
		_cleanup_fixture_ struct fixture cut = fixture_of(auxv.text, size);

		cr_assert_eq(cryo_auxv_size(cut.text, cut.size, 8), 0);
		cr_assert_not(cryo_auxv_get(cut.text, cut.size, 8, 0xabcdef, &value));
	}
}

Test(auxv, tells_the_size_of_a_word)
{
	static const uint64_t wide[] = {AT_PAGESZ, 4096, AT_PHENT, 56, AT_NULL, 0};
	static const uint32_t narrow[] = {AT_PAGESZ, 4096, AT_PHENT, 32, AT_NULL, 0};
	static const uint64_t wrong[] = {AT_PAGESZ, 4096, AT_PHENT, 32, AT_NULL, 0};

	cr_assert_eq(cryo_auxv_word(wide, sizeof(wide)), 8);
	cr_assert_eq(cryo_auxv_word(narrow, sizeof(narrow)), 4);
	cr_assert_eq(cryo_auxv_word(wrong, sizeof(wrong)), 0);
	cr_assert_eq(cryo_auxv_word(NULL, 0), 0);
}
