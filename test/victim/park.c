// SPDX-License-Identifier: MIT
/*
 * A parked thread has a known value in every register that pause(2) leaves alone: with
 * base = 0x5e47000000000000 + 256 * ID (i386: 0x5e470000 + 256 * ID), register number N of the list
 * below holds base + N, and the low half of xmm0 holds base.
 *
 *	x86_64	rbx rbp r12 r13 r14 r15 rdi rsi rdx r10 r8 r9
 *	i386	ebx ebp esi edi edx
 */
#include "victim.h"

#include <unistd.h>

#if defined(__x86_64__)
void park(unsigned int id)
{
	uint64_t base = 0x5e47000000000000ULL + 256ULL * id;

	__asm__ volatile("movq %%rax, %%xmm0\n"
			 "lea 1(%%rax), %%rbx\n"
			 "lea 2(%%rax), %%rbp\n"
			 "lea 3(%%rax), %%r12\n"
			 "lea 4(%%rax), %%r13\n"
			 "lea 5(%%rax), %%r14\n"
			 "lea 6(%%rax), %%r15\n"
			 "lea 7(%%rax), %%rdi\n"
			 "lea 8(%%rax), %%rsi\n"
			 "lea 9(%%rax), %%rdx\n"
			 "lea 10(%%rax), %%r10\n"
			 "lea 11(%%rax), %%r8\n"
			 "lea 12(%%rax), %%r9\n"
			 "1: mov $34, %%eax\n" /* pause */
			 "syscall\n"
			 "jmp 1b\n"
			 :
			 : "a"(base)
			 : "memory");
	__builtin_unreachable();
}
#elif defined(__i386__)
void park(unsigned int id)
{
	uint32_t base = 0x5e470000U + 256U * id;

	__asm__ volatile("movd %%eax, %%xmm0\n"
			 "lea 1(%%eax), %%ebx\n"
			 "lea 2(%%eax), %%ebp\n"
			 "lea 3(%%eax), %%esi\n"
			 "lea 4(%%eax), %%edi\n"
			 "lea 5(%%eax), %%edx\n"
			 "1: mov $29, %%eax\n" /* pause */
			 "int $0x80\n"
			 "jmp 1b\n"
			 :
			 : "a"(base)
			 : "memory");
	__builtin_unreachable();
}
#else
void park(unsigned int id)
{
	(void)id;
	for (;;)
		pause();
}
#endif
