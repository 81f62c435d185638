// SPDX-License-Identifier: MIT
/*
 * FIPS 180-4, 6.2.2, with the instructions of x86 (Intel SDM: SHA256RNDS2, SHA256MSG1, SHA256MSG2).
 * A state is held as ABEF and CDGH; each step makes four rounds of both chains.
 */
#include "base/sha256_pair.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define SHA_CODE __attribute__((target("sha,sse4.1")))

enum {
	FEATURES = 7,      /* leaf of CPUID */
	HAS_SHA = 1 << 29, /* in EBX */
	STEPS = 16
};

static const uint32_t constants[4 * STEPS] __attribute__((aligned(16))) = {0x428a2f98, 0x71374491,
	0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
	0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc,
	0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354,
	0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c,
	0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f,
	0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* A chain: its state, and sixteen words of the message schedule. */
struct chain {
	__m128i abef, cdgh, words[4];
};

bool cryo_sha256_can_pair(void)
{
	unsigned int a, b = 0, c = 0, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_SSE4_1 &&
	       __get_cpuid_count(FEATURES, 0, &a, &b, &c, &d) && b & HAS_SHA;
}

SHA_CODE static inline void load(struct chain *chain, const uint32_t *state)
{
	__m128i low = _mm_loadu_si128((const __m128i *)state);
	__m128i high = _mm_loadu_si128((const __m128i *)(state + 4));

	low = _mm_shuffle_epi32(low, 0xb1);   /* CDAB */
	high = _mm_shuffle_epi32(high, 0x1b); /* EFGH */
	chain->abef = _mm_alignr_epi8(low, high, 8);
	chain->cdgh = _mm_blend_epi16(high, low, 0xf0);
}

SHA_CODE static inline void store(const struct chain *chain, uint32_t *state)
{
	__m128i low = _mm_shuffle_epi32(chain->abef, 0x1b);  /* FEBA */
	__m128i high = _mm_shuffle_epi32(chain->cdgh, 0xb1); /* DCHG */

	_mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xf0));
	_mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

/* The next four words, in place of those of sixteen before. */
SHA_CODE static inline void schedule(struct chain *chain, unsigned int step, const uint8_t *data)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i *words = chain->words, next;

	if (step < 4) {
		next = _mm_loadu_si128((const __m128i *)(data + 16 * step));
		words[step] = _mm_shuffle_epi8(next, swap);
		return;
	}
	next = _mm_sha256msg1_epu32(words[step % 4], words[(step + 1) % 4]);
	next = _mm_add_epi32(
		next, _mm_alignr_epi8(words[(step + 3) % 4], words[(step + 2) % 4], 4));
	words[step % 4] = _mm_sha256msg2_epu32(next, words[(step + 3) % 4]);
}

/* Four rounds. */
SHA_CODE static inline void rounds(struct chain *chain, unsigned int step)
{
	__m128i words = _mm_add_epi32(
		chain->words[step % 4], _mm_load_si128((const __m128i *)(constants + 4 * step)));

	chain->cdgh = _mm_sha256rnds2_epu32(chain->cdgh, chain->abef, words);
	words = _mm_shuffle_epi32(words, 0x0e);
	chain->abef = _mm_sha256rnds2_epu32(chain->abef, chain->cdgh, words);
}

SHA_CODE void cryo_sha256_pair(
	uint32_t *const states[2], const uint8_t *const data[2], size_t blocks)
{
	struct chain one, two;

	load(&one, states[0]);
	load(&two, states[1]);
	for (size_t i = 0; i < blocks; i++) {
		const struct chain before_one = one, before_two = two;
		const uint8_t *first = data[0] + i * CRYO_SHA256_BLOCK;
		const uint8_t *second = data[1] + i * CRYO_SHA256_BLOCK;

#pragma GCC unroll 16
		for (unsigned int step = 0; step < STEPS; step++) {
			schedule(&one, step, first);
			schedule(&two, step, second);
			rounds(&one, step);
			rounds(&two, step);
		}
		one.abef = _mm_add_epi32(one.abef, before_one.abef);
		one.cdgh = _mm_add_epi32(one.cdgh, before_one.cdgh);
		two.abef = _mm_add_epi32(two.abef, before_two.abef);
		two.cdgh = _mm_add_epi32(two.cdgh, before_two.cdgh);
	}
	store(&one, states[0]);
	store(&two, states[1]);
}

#else

bool cryo_sha256_can_pair(void)
{
	return false;
}

void cryo_sha256_pair(uint32_t *const states[2], const uint8_t *const data[2], size_t blocks)
{
	(void)states;
	(void)data;
	(void)blocks;
}

#endif
