/* become.c - gives up root. Apart, because <grp.h> has a struct group of its own. */
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

bool become_user(const char *user);

bool
become_user(const char *user)
{
	struct passwd *p = getpwnam(user);

	return p != NULL && initgroups(user, p->pw_gid) == 0 && setgid(p->pw_gid) == 0 && setuid(p->pw_uid) == 0
	    && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}
