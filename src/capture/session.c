// SPDX-License-Identifier: MIT
/*
 * A private procfs sees what is hidden by a mount. To give it back takes the kernel as long as some
 * thirty system calls.
 */
#include "capture/session.h"

#include "proc/procfs.h"

int cryo_session_open(struct cryo_session *session)
{
	if (session->procfs < 0)
		session->procfs = cryo_procfs_open_private();
	if (session->procfs < 0)
		session->procfs = cryo_procfs_open("/proc");
	return session->procfs < 0 ? session->procfs : 0;
}

void cryo_session_end(struct cryo_session *session)
{
	cryo_children_end(&session->children, session->procfs);
	cryo_carriers_free(session->carriers);
	session->carriers = NULL;
	if (!session->is_borrowed)
		cryo_cleanup_close(&session->procfs);
	session->procfs = -1;
}
