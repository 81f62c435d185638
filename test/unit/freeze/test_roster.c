// SPDX-License-Identifier: MIT
/* Who is spared, and why: machines made of files. */
#include "freeze/roster.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "proc/stat.h"
#include "spared.h"

Test(roster, spares_ourselves_our_ancestors_and_kernel_threads)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};

	add_basics(&machine);
	machine_add(&machine,
		(struct machine_process){.pid = 2, .flags = CRYO_PF_KTHREAD, .start_time = 1});
	machine_add(&machine, (struct machine_process){.pid = 60, .ppid = 1, .start_time = 9});
	machine_add(&machine, (struct machine_process){.pid = 61, .ppid = SHELL, .start_time = 9});
	machine_add(&machine, (struct machine_process){.pid = 62, .ppid = SELF, .start_time = 9});
	machine_add(&machine, (struct machine_process){.pid = 63, .ppid = SELF, .start_time = 9});
	decide(&machine, &spared);
	cr_assert_eq(why(&machine, &spared, 1), CRYO_SPARE_INIT);
	cr_assert_eq(why(&machine, &spared, 2), CRYO_SPARE_KTHREAD);
	cr_assert_eq(why(&machine, &spared, SHELL), CRYO_SPARE_ANCESTOR);
	cr_assert_eq(why(&machine, &spared, SELF), CRYO_SPARE_SELF);
	cr_assert_eq(why(&machine, &spared, 60), CRYO_SPARE_NONE);
	cr_assert_eq(why(&machine, &spared, 61), CRYO_SPARE_NONE, "a sibling is no ancestor");
	cr_assert_eq(why(&machine, &spared, 62), CRYO_SPARE_SELF, "a child of ours is ours");
	cr_assert_eq(symlinkat("/bin/cryocore", machine.procfs, "50/exe"), 0);
	cr_assert_eq(symlinkat("/bin/cryocore", machine.procfs, "62/exe"), 0);
	cr_assert_eq(symlinkat("/bin/sleep", machine.procfs, "63/exe"), 0);
	cr_assert_eq(why(&machine, &spared, 62), CRYO_SPARE_SELF, "it runs our program");
	cr_assert_eq(why(&machine, &spared, 63), CRYO_SPARE_NONE, "of whoever executed us");
}

Test(roster, of_a_machine_without_us_is_an_error)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_census_ struct cryo_census census = {0};
	const struct cryo_roster_request request = {.self = SELF};
	struct cryo_roster roster;

	cr_assert_eq(cryo_census_take(machine.procfs, &census), 0);
	cr_assert_eq(cryo_roster_make(machine.procfs, &census, &request, &roster), -ESRCH);
}

Test(roster, spares_our_job_only_where_a_shell_made_one)
{
	_cleanup_machine_ struct machine job = machine_new(), script = machine_new();
	_cleanup_case_ struct spared_case in_job = {0}, in_script = {0};

	add_basics(&job);
	machine_add(&job,
		(struct machine_process){.pid = 60, .ppid = SHELL, .pgrp = SELF, .start_time = 9});
	decide(&job, &in_job);
	cr_assert_eq(why(&job, &in_job, 60), CRYO_SPARE_JOB);

	machine_add(&script, (struct machine_process){.pid = SHELL, .ppid = 1, .pgrp = SHELL});
	machine_add(&script, (struct machine_process){.pid = SELF, .ppid = SHELL, .pgrp = SHELL});
	machine_add(&script, (struct machine_process){.pid = 60, .ppid = SHELL, .pgrp = SHELL});
	decide(&script, &in_script);
	cr_assert_eq(why(&script, &in_script, 60), CRYO_SPARE_NONE);
}

Test(roster, spares_the_other_end_of_our_pipes_along_the_pipeline)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};

	add_basics(&machine);
	for (pid_t pid = 60; pid <= 64; pid++)
		machine_add(
			&machine, (struct machine_process){.pid = pid, .ppid = 1, .start_time = 9});
	machine_add_fd(&machine, SELF, 0, "pipe:[7]", "flags:\t0100000\n");
	machine_add_fd(&machine, SELF, 1, "pipe:[8]", "flags:\t0100001\n");
	machine_add_fd(&machine, 60, 9, "pipe:[7]", "flags:\t0100001\n"); /* writes to us */
	machine_add_fd(&machine, 61, 0, "pipe:[8]", "flags:\t0100000\n"); /* reads from us */
	machine_add_fd(&machine, 61, 1, "pipe:[10]", "flags:\t0100001\n");
	machine_add_fd(&machine, 62, 0, "pipe:[10]", "flags:\t0100000\n"); /* reads from that */
	machine_add_fd(&machine, 63, 1, "pipe:[8]", "flags:\t0100001\n");  /* writes beside us */
	machine_add_fd(&machine, 64, 0, "pipe:[80]", "flags:\t0100000\n");
	decide(&machine, &spared);
	cr_assert_eq(why(&machine, &spared, 60), CRYO_SPARE_STDIO);
	cr_assert_eq(why(&machine, &spared, 61), CRYO_SPARE_STDIO);
	cr_assert_eq(why(&machine, &spared, 62), CRYO_SPARE_STDIO);
	cr_assert_eq(why(&machine, &spared, 63), CRYO_SPARE_NONE, "who writes too is no reader");
	cr_assert_eq(why(&machine, &spared, 64), CRYO_SPARE_NONE);
}

Test(roster, does_not_spare_who_has_our_file_or_dev_null)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};

	add_basics(&machine);
	machine_add(&machine, (struct machine_process){.pid = 60, .ppid = 1, .start_time = 9});
	machine_add_fd(&machine, SELF, 0, "/dev/null", "flags:\t0100002\n");
	machine_add_fd(&machine, SELF, 1, "/etc/passwd", "flags:\t0100001\n");
	machine_add_fd(&machine, 60, 0, "/dev/null", "flags:\t0100002\n");
	machine_add_fd(&machine, 60, 1, "/etc/passwd", "flags:\t0100002\n");
	decide(&machine, &spared);
	cr_assert_eq(why(&machine, &spared, 60), CRYO_SPARE_NONE);
}

Test(roster, follows_terminals_through_tmux_to_sshd)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};

	/* We are on pts/5, whose master is tmux, which shows itself on pts/1, which is sshd's. */
	machine_add(&machine, (struct machine_process){.pid = 1, .start_time = 1});
	machine_add(&machine, (struct machine_process){.pid = SELF,
				      .ppid = 1,
				      .pgrp = SELF,
				      .tpgid = SELF,
				      .tty_nr = (int)makedev(136, 5)});
	machine_add(&machine, (struct machine_process){.pid = 60, .ppid = 1, .comm = "tmux"});
	machine_add(&machine, (struct machine_process){.pid = 61, .ppid = 1, .comm = "sshd"});
	machine_add(&machine, (struct machine_process){.pid = 62, .ppid = 1, .comm = "sshd"});
	machine_add(&machine, (struct machine_process){.pid = 63,
				      .ppid = 61,
				      .pgrp = 63,
				      .tpgid = 63,
				      .tty_nr = (int)makedev(136, 1)});
	machine_add(&machine, (struct machine_process){.pid = 64,
				      .ppid = 61,
				      .pgrp = 64,
				      .tpgid = 63,
				      .tty_nr = (int)makedev(136, 1)});
	machine_add_fd(&machine, 60, 8, "/dev/ptmx", "flags:\t02\ntty-index:\t5\n");
	machine_add_fd(&machine, 60, 9, "/dev/pts/1", "flags:\t02\n");
	machine_add_fd(&machine, 61, 8, "/dev/pts/ptmx", "flags:\t02\ntty-index:\t1\n");
	machine_add_fd(&machine, 62, 8, "/dev/ptmx", "flags:\t02\ntty-index:\t2\n");
	decide(&machine, &spared);
	cr_assert_eq(why(&machine, &spared, 60), CRYO_SPARE_TERMINAL);
	cr_assert_eq(why(&machine, &spared, 61), CRYO_SPARE_TERMINAL);
	cr_assert_eq(why(&machine, &spared, 62), CRYO_SPARE_NONE, "another terminal");
	cr_assert_eq(why(&machine, &spared, 63), CRYO_SPARE_TERMINAL, "the tmux client");
	cr_assert_eq(why(&machine, &spared, 64), CRYO_SPARE_NONE, "in the background there");
}

Test(roster, spares_the_server_of_our_files_with_its_children)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};
	_cleanup_outputs_ struct cryo_outputs outputs = {0};

	add_basics(&machine);
	machine_add(&machine, (struct machine_process){.pid = 60, .ppid = 1, .comm = "sshfs"});
	machine_add(&machine, (struct machine_process){.pid = 61, .ppid = 60, .comm = "ssh"});
	machine_add(&machine, (struct machine_process){.pid = 62, .ppid = 61});
	machine_add(&machine, (struct machine_process){.pid = 63, .ppid = 1, .comm = "sshfs"});
	machine_add(&machine, (struct machine_process){.pid = 64, .ppid = 1, .comm = "iscsid"});
	machine_add_fd(&machine, 60, 3, "/dev/fuse", "flags:\t02\nfuse_connection:\t77\n");
	machine_add_fd(&machine, 63, 3, "/dev/fuse", "flags:\t02\nfuse_connection:\t78\n");
	cr_assert_eq(cryo_needs_add(&outputs.needs,
			     &(struct cryo_need){
				     .kind = CRYO_HOLD_FUSE, .key = 77, .tag = CRYO_SPARE_OUTPUT}),
		0);
	spared.request.outputs = &outputs;
	decide(&machine, &spared);
	cr_assert_eq(why(&machine, &spared, 60), CRYO_SPARE_OUTPUT);
	cr_assert_eq(why(&machine, &spared, 61), CRYO_SPARE_OUTPUT);
	cr_assert_eq(why(&machine, &spared, 62), CRYO_SPARE_OUTPUT);
	cr_assert_eq(why(&machine, &spared, 63), CRYO_SPARE_NONE);
	cr_assert_eq(why(&machine, &spared, 64), CRYO_SPARE_NONE, "a name alone spares nobody");
	outputs.backings = CRYO_BACKING_ISCSI;
	cr_assert_eq(why(&machine, &spared, 64), CRYO_SPARE_OUTPUT);
}

Test(roster, spares_watchdogs_and_not_files_named_like_them)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};

	add_basics(&machine);
	machine_add(&machine, (struct machine_process){.pid = 60, .ppid = 1});
	machine_add(&machine, (struct machine_process){.pid = 61, .ppid = 1});
	machine_add_fd(&machine, 60, 3, "/dev/watchdog0", "flags:\t01\n");
	machine_add_fd(&machine, 61, 3, "/tmp/dev/watchdog0", "flags:\t01\n");
	decide(&machine, &spared);
	cr_assert_eq(why(&machine, &spared, 60), CRYO_SPARE_WATCHDOG);
	cr_assert_eq(why(&machine, &spared, 61), CRYO_SPARE_NONE);
}

Test(roster, spares_who_is_asked_before_files_are_opened)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};

	add_basics(&machine);
	for (pid_t pid = 60; pid <= 62; pid++)
		machine_add(&machine, (struct machine_process){.pid = pid, .ppid = 1});
	machine_add_fd(&machine, 60, 3, "anon_inode:[fanotify]",
		"fanotify mnt_id:1b mflags:0 mask:10000 ignored_mask:0\n");
	machine_add_fd(&machine, 61, 3, "anon_inode:[fanotify]",
		"fanotify mnt_id:1b mflags:0 mask:20 ignored_mask:0\n");
	machine_add_fd(&machine, 62, 3, "/anon_inode:[fanotify]",
		"fanotify mnt_id:1b mflags:0 mask:10000 ignored_mask:0\n");
	decide(&machine, &spared);
	cr_assert_eq(why(&machine, &spared, 60), CRYO_SPARE_DECISION);
	cr_assert_eq(why(&machine, &spared, 61), CRYO_SPARE_NONE, "who is only told");
	cr_assert_eq(why(&machine, &spared, 62), CRYO_SPARE_NONE, "a file of that name");
}

Test(roster, spares_who_traces_the_spared_and_whom_he_needs)
{
	static const char *const words[] = {"62"};
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {.request = {.spare = words, .n_spare = 1}};

	machine_add(&machine, (struct machine_process){.pid = 1, .start_time = 1});
	machine_add(&machine,
		(struct machine_process){
			.pid = SHELL, .ppid = 1, .pgrp = SHELL, .start_time = 2, .tracer = 60});
	machine_add(&machine, (struct machine_process){
				      .pid = SELF, .ppid = SHELL, .pgrp = SELF, .start_time = 3});
	machine_add(&machine, (struct machine_process){.pid = 60, .ppid = 1, .tracer = 61});
	machine_add(&machine, (struct machine_process){.pid = 61, .ppid = 1});
	machine_add(&machine, (struct machine_process){.pid = 62, .ppid = 1, .tracer = 63});
	machine_add(&machine, (struct machine_process){.pid = 63, .ppid = 1});
	machine_add(&machine, (struct machine_process){.pid = 64, .ppid = 1, .tracer = 65});
	machine_add(&machine, (struct machine_process){.pid = 65, .ppid = 1});
	machine_add(&machine, (struct machine_process){.pid = 66, .ppid = 1});
	machine_add_fd(&machine, 61, 2, "pipe:[7]", NULL);
	machine_add_fd(&machine, 66, 0, "pipe:[7]", "flags:\t00\n");
	decide(&machine, &spared);
	cr_assert_eq(why(&machine, &spared, 60), CRYO_SPARE_TRACER, "of an ancestor");
	cr_assert_eq(why(&machine, &spared, 61), CRYO_SPARE_TRACER, "of the tracer");
	cr_assert_eq(why(&machine, &spared, 66), CRYO_SPARE_STDIO, "who reads what that says");
	cr_assert_eq(why(&machine, &spared, 63), CRYO_SPARE_TRACER, "of whom the user spares");
	cr_assert_eq(why(&machine, &spared, 64), CRYO_SPARE_NONE);
	cr_assert_eq(why(&machine, &spared, 65), CRYO_SPARE_NONE, "of anybody else");
}

Test(roster, obeys_the_user)
{
	static const char *const words[] = {"60", "a name", "/kept/", "a-name-of-16-char"};
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {.request = {.spare = words, .n_spare = 4}};

	add_basics(&machine);
	machine_add(&machine, (struct machine_process){.pid = 60, .ppid = 1});
	machine_add(&machine, (struct machine_process){.pid = 61, .ppid = 1, .comm = "a name"});
	machine_add(&machine, (struct machine_process){.pid = 62, .ppid = 1, .comm = "a namesake"});
	machine_add(&machine, (struct machine_process){.pid = 63, .ppid = 1, .cgroup = "/kept"});
	machine_add(&machine, (struct machine_process){.pid = 64, .ppid = 1, .cgroup = "/kept/x"});
	machine_add(&machine, (struct machine_process){.pid = 65, .ppid = 1, .cgroup = "/keptx"});
	machine_add(&machine,
		(struct machine_process){.pid = 66, .ppid = 1, .comm = "a-name-of-16-ch"});
	decide(&machine, &spared);
	for (pid_t pid = 60; pid <= 66; pid++)
		cr_assert_eq(why(&machine, &spared, pid),
			pid == 62 || pid == 65 ? CRYO_SPARE_NONE : CRYO_SPARE_USER, "pid %d", pid);
}

Test(roster, takes_no_other_process_with_a_spared_number)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};
	struct cryo_row reused = {.pid = SHELL, .ppid = 1, .start_time = 999};

	add_basics(&machine);
	decide(&machine, &spared);
	cr_assert_eq(cryo_roster_judge(machine.procfs, &spared.roster, &reused), CRYO_SPARE_NONE);
}
