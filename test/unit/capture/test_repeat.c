// SPDX-License-Identifier: MIT
/* When a capture that failed is made once more, and what is then forgotten. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/repeat.h"
#include "capture/result.h"
#include "capture/select.h"
#include "proc/procfs.h"

/* A request for this process. */
static struct cryo_request request_of(pid_t pid)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct cryo_request request = {.procfs = -1, .stream_fd = -1};

	cr_assert_eq(cryo_identity_open(procfs, pid, &request.identity), 0);
	return request;
}

Test(repeat, what_has_gone_of_one_who_lives_is_looked_for_again)
{
	_cleanup_request_ struct cryo_request request = request_of(getpid());
	struct cryo_shared shared = {.stage = CRYO_STAGE_INSPECT};

	cr_expect_eq(cryo_repeat_refused(&request, &shared, -ESRCH), CRYO_REPEAT_AS_IT_WAS);
	cr_expect_eq(cryo_repeat_refused(&request, &shared, -ENOENT), CRYO_REPEAT_AS_IT_WAS);
	cr_expect_eq(cryo_repeat_refused(&request, &shared, 0), CRYO_REPEAT_NOT);
	cr_expect_eq(cryo_repeat_refused(&request, &shared, -EPERM), CRYO_REPEAT_NOT);
	shared.stage = CRYO_STAGE_PREPARE;
	cr_expect_eq(cryo_repeat_refused(&request, &shared, -ESRCH), CRYO_REPEAT_AS_IT_WAS);
	cr_expect_eq(cryo_repeat_refused(&request, &shared, -ENOENT), CRYO_REPEAT_NOT,
		"a directory of ours is not there");
	shared.stage = CRYO_STAGE_FINISH;
	cr_expect_eq(cryo_repeat_refused(&request, &shared, -ESRCH), CRYO_REPEAT_NOT);
}

Test(repeat, a_stream_is_not_begun_twice)
{
	_cleanup_request_ struct cryo_request request = request_of(getpid());
	struct cryo_shared shared = {.stage = CRYO_STAGE_INSPECT};

	request.stream_fd = STDOUT_FILENO;
	cr_expect_eq(cryo_repeat_refused(&request, &shared, -ESRCH), CRYO_REPEAT_AS_IT_WAS);
	shared.stage = CRYO_STAGE_WRITE;
	cr_expect_eq(cryo_repeat_refused(&request, &shared, -ESRCH), CRYO_REPEAT_NOT);
}

Test(repeat, it_comes_to_an_end)
{
	_cleanup_request_ struct cryo_request request = request_of(getpid());
	struct cryo_shared shared = {.stage = CRYO_STAGE_INSPECT};

	while (request.n_attempts < 1000 && cryo_repeat_refused(&request, &shared, -ESRCH))
		request.n_attempts++;
	cr_expect(request.n_attempts > 1 && request.n_attempts < 100, "%u", request.n_attempts);
}

Test(repeat, who_has_ended_is_left_alone)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	{
		_cleanup_request_ struct cryo_request request = request_of(pid);
		struct cryo_shared shared = {.stage = CRYO_STAGE_INSPECT};
		siginfo_t info;

		kill(pid, SIGKILL);
		cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
		cr_expect_eq(cryo_repeat_refused(&request, &shared, -ESRCH), CRYO_REPEAT_NOT);
		waitpid(pid, NULL, 0);
		cr_expect_eq(cryo_repeat_refused(&request, &shared, -ESRCH), CRYO_REPEAT_NOT);
	}
}

Test(repeat, what_a_failed_attempt_said_is_forgotten)
{
	struct cryocore_result *result = cryo_result_new();

	cr_assert_not_null(result);
	cryo_result_say(result, CRYOCORE_WARNING, 0, "before");
	for (int i = 0; i < 10; i++) {
		for (int k = 0; k <= i; k++)
			cryo_result_say(result, CRYOCORE_ERROR, ESRCH, "gone");
		cryo_result_forget(result, 1);
	}
	cr_expect_eq(result->n_messages, 1);
	cr_expect_str_eq(result->messages[0].text, "before");
	cr_expect_not(cryo_result_has(result, CRYOCORE_ERROR));
	cryo_result_free(result);
}
