// SPDX-License-Identifier: MIT
/*
 * The order of the checks: the frame, since everything else lies in it; then the notes, then what
 * they say.
 */
#include "verify/verify.h"

#include <errno.h>
#include <stdlib.h>

#include "verify/subject.h"

static void tell_frame_damage(struct cryo_subject *subject)
{
	for (uint32_t bit = 1; bit && bit <= subject->core->damage; bit <<= 1)
		if (subject->core->damage & bit)
			cryo_verdict_add(subject->verdict, "frame", "%s",
				cryo_core_damage_text((enum cryo_core_damage)bit));
}

static void tell_note_damage(struct cryo_subject *subject)
{
	for (uint32_t bit = 1; bit && bit <= subject->process.damage; bit <<= 1)
		if (subject->process.damage & bit)
			cryo_verdict_add(subject->verdict, "notes", "%s",
				cryo_core_note_damage_text((enum cryo_core_note_damage)bit));
}

static bool is_finding(int r)
{
	return r == -EBADMSG || r == -E2BIG;
}

/* A walk that ends early has been told of by cryo_check_notes(). */
static int check_contents(struct cryo_subject *subject)
{
	int r = cryo_check_notes(subject);

	if (r < 0)
		return r;
	r = cryo_core_process_read(subject->core, &subject->process);
	if (r < 0 && !is_finding(r))
		return r;
	tell_note_damage(subject);
	cryo_check_process(subject);
	return 0;
}

int cryo_verify_core(const struct cryo_core *core, struct cryo_verdict *verdict)
{
	struct cryo_subject subject = {
		.core = core, .verdict = verdict, .claimed_threads = -1, .all_stopped = true};
	int r;

	tell_frame_damage(&subject);
	r = cryo_check_layout(&subject);
	if (r == 0)
		r = cryo_check_tail(&subject);
	if (r == 0)
		cryo_check_rules(&subject);
	if (r == 0 && core->arch)
		r = check_contents(&subject);
	else if (r == 0)
		cryo_verdict_add(verdict, "architecture",
			"machine %u of class %u is not known: its notes were not checked",
			core->machine, core->elf_class);
	cryo_core_process_clear(&subject.process);
	free(subject.threads);
	return r < 0 ? r : verdict->error;
}
