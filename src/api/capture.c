// SPDX-License-Identifier: MIT
/*
 * The public functions of cryocore.h about captures.
 */
#include <cryocore/cryocore.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/options.h"
#include "base/buffer.h"
#include "base/escape.h"
#include "base/number.h"
#include "base/packer.h"
#include "capture/capture.h"
#include "capture/fence.h"
#include "capture/privilege.h"
#include "capture/result.h"
#include "config.h"

void cryocore_options_init(struct cryocore_options *options)
{
	*options = (struct cryocore_options){.size = sizeof(*options), .stream_fd = -1};
}

static int parse_content(const char *content, struct cryo_policy *ret_policy, const char **ret_bad)
{
	return cryo_policy_parse(content ? content : "kernel", ret_policy, ret_bad);
}

int cryocore_content_check(const char *content, const char **ret_bad)
{
	struct cryo_policy policy;

	return parse_content(content, &policy, ret_bad);
}

struct cryocore_session {
	struct cryo_session common;
};

int cryocore_session_new(struct cryocore_session **ret_session)
{
	struct cryocore_session *session = malloc(sizeof(*session));

	if (!session)
		return -ENOMEM;
	session->common = CRYO_SESSION(-1);
	*ret_session = session;
	return 0;
}

void cryocore_session_free(struct cryocore_session *session)
{
	if (!session)
		return;
	cryo_session_end(&session->common);
	free(session);
}

int cryocore_capture(
	pid_t pid, const struct cryocore_options *options, struct cryocore_result **ret_result)
{
	struct cryocore_options complete;
	struct cryo_policy policy;
	int r;

	cryocore_options_init(&complete);
	if (!cryo_options_read(options, &complete, sizeof(complete)))
		return -EINVAL;
	if (complete.zstd_level < 0 || complete.zstd_level > CRYO_PACKER_LEVEL_MAX ||
		(complete.zstd_level && complete.sparse_stream))
		return -EINVAL;
	r = parse_content(complete.content, &policy, NULL);
	return r < 0 ? r
		     : cryo_capture(pid, &complete, &policy,
			       complete.session ? &complete.session->common : NULL, ret_result);
}

void cryocore_result_free(struct cryocore_result *result)
{
	cryo_result_free(result);
}

int cryocore_escape(const void *data, size_t size, char **ret_text)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_buffer_reserve(&text, size);

	if (r == 0)
		r = cryo_escape(&text, data, size);
	if (r < 0)
		return r;
	*ret_text = (char *)steal_ptr(text.data);
	return 0;
}

int cryocore_parse_pid(const char *text, pid_t *ret_pid)
{
	return cryo_number_parse_pid(text, ret_pid);
}

int cryocore_drop_privileges(void)
{
	return cryo_privilege_drop();
}

int cryocore_fence(void)
{
	return cryo_fence_close_for_reading();
}

const char *cryocore_version(void)
{
	return CRYOCORE_VERSION;
}
