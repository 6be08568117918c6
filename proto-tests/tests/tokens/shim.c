/* A PKCS#11 module that passes everything on to another one, and loses its token when a test says so.
 *
 * SHIM_MODULE is the other module, SHIM_FOLDER where the test puts files that say what is to happen:
 *   removed  there is no token, and what was open is closed
 *   hang     signing takes until the file is gone
 *   forget   what is open is closed, once
 *   changed-pin  two words: the PIN that it takes now, and the one that the other module takes
 * and where each login leaves an octet in the file `logins`, and C_Finalize the file `finalized`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long rv_t;
enum { FINALIZE = 1, GET_SLOT_LIST = 4, OPEN_SESSION = 12, CLOSE_ALL_SESSIONS = 14, LOGIN = 18, SIGN_INIT = 42, FUNCTIONS = 68 };
typedef rv_t (*function)();
struct list { unsigned char version[2]; function functions[FUNCTIONS]; };

static struct list real, ours;
static unsigned long slot;

static int told(const char *what) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", getenv("SHIM_FOLDER"), what);
  return access(path, F_OK) == 0;
}

static void done(const char *what) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", getenv("SHIM_FOLDER"), what);
  unlink(path);
}

static rv_t finalize(void *reserved) {
  char path[4096];
  snprintf(path, sizeof path, "%s/finalized", getenv("SHIM_FOLDER"));
  FILE *file = fopen(path, "w");
  if (file) fclose(file);
  return real.functions[FINALIZE](reserved);
}

static int removed(void) {
  if (!told("removed")) return 0;
  real.functions[CLOSE_ALL_SESSIONS](slot);
  return 1;
}

static rv_t get_slot_list(unsigned char present, unsigned long *slots, unsigned long *count) {
  if (removed()) {
    *count = 0;
    return 0;
  }
  return real.functions[GET_SLOT_LIST](present, slots, count);
}

static rv_t open_session(unsigned long id, unsigned long flags, void *application, void *notify, unsigned long *session) {
  if (removed()) return 0xE0; /* CKR_TOKEN_NOT_PRESENT */
  slot = id;
  return real.functions[OPEN_SESSION](id, flags, application, notify, session);
}

static rv_t login(unsigned long session, unsigned long user, unsigned char *pin, unsigned long length) {
  char path[4096];
  snprintf(path, sizeof path, "%s/logins", getenv("SHIM_FOLDER"));
  FILE *logins = fopen(path, "a");
  if (logins) {
    fputc('x', logins);
    fclose(logins);
  }
  char now[256] = "", then[256] = "";
  snprintf(path, sizeof path, "%s/changed-pin", getenv("SHIM_FOLDER"));
  FILE *changed = fopen(path, "r");
  if (!changed) return real.functions[LOGIN](session, user, pin, length);
  int words = fscanf(changed, "%255s %255s", now, then);
  fclose(changed);
  if (words != 2 || strlen(now) != length || memcmp(now, pin, length)) return 0xA0; /* CKR_PIN_INCORRECT */
  return real.functions[LOGIN](session, user, then, strlen(then));
}

static rv_t sign_init(unsigned long session, void *mechanism, unsigned long key) {
  while (told("hang")) usleep(1000);
  if (removed()) return 0x32; /* CKR_DEVICE_REMOVED */
  if (told("forget")) {
    done("forget");
    real.functions[CLOSE_ALL_SESSIONS](slot);
  }
  return real.functions[SIGN_INIT](session, mechanism, key);
}

rv_t C_GetFunctionList(struct list **list) {
  void *module = dlopen(getenv("SHIM_MODULE"), RTLD_NOW);
  rv_t (*get)(struct list **) = module ? (rv_t (*)(struct list **))dlsym(module, "C_GetFunctionList") : NULL;
  struct list *theirs;
  if (!get || get(&theirs)) return 5; /* CKR_GENERAL_ERROR */
  memcpy(&real, theirs, sizeof real);
  ours = real;
  ours.functions[FINALIZE] = (function)finalize;
  ours.functions[GET_SLOT_LIST] = (function)get_slot_list;
  ours.functions[OPEN_SESSION] = (function)open_session;
  ours.functions[LOGIN] = (function)login;
  ours.functions[SIGN_INIT] = (function)sign_init;
  *list = &ours;
  return 0;
}
