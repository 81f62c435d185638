// SPDX-License-Identifier: MIT
/*
 * NT_X86_XSAVE_LAYOUT (Linux 6.12): where each part of an NT_X86_XSTATE note stands, so that the
 * note can be read on another processor (arch/x86/kernel/fpu/xstate.c dump_xsave_layout_desc()).
 */
#pragma once

#include "base/buffer.h"
#include "model/process.h"

/**
 * cryo_xsave_layout - the note's bytes for the XSAVE area of a thread.
 * @layout: appended to; stays empty without an NT_X86_XSTATE regset or off x86
 *
 * A record of four u32 {feature, size, offset, flags} for each feature from 2 on in the mask that
 * the kernel keeps in the area's software-reserved bytes 464 to 471. Returns 0 or -ENOMEM.
 */
int cryo_xsave_layout(const struct cryo_thread *thread, struct cryo_buffer *layout);
