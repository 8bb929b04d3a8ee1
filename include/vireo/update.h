/*
 * vireo/update.h: a server that gets a new version while it runs.
 *
 *     update:
 *       slack: 64KiB          # vireo.yaml: room for variables that later versions add
 *     grants:
 *       listen: ["127.0.0.1:6380"]
 *
 *     #include <vireo/update.h>
 *
 *     int main(void)
 *     {
 *         if (vireo_updates() == 0)
 *             set_up();
 *         for (;;) {
 *             vireo_update_point();
 *             wait_and_serve();
 *         }
 *     }
 *
 * When `vireo update` has brought another version, vireo_update_point() does not return: what is on
 * the stack is gone, and main() of the new version begins, with all memory as it was (variables,
 * statics, the heap, pointers into them; what is new has its initial value) and with every
 * descriptor: listening sockets, connections, files. No constructor runs. So whatever must survive
 * is not a local variable of main() and of what it called.
 */
#ifndef VIREO_UPDATE_H
#define VIREO_UPDATE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __wasm__
__attribute__((import_module("vireo"), import_name("update_point"))) int32_t
vireo_import_update_point(void);
__attribute__((import_module("vireo"), import_name("updates"))) uint32_t vireo_import_updates(void);
#elif defined VIREO_NATIVE
int32_t vireo_native_update_point(void);
uint32_t vireo_native_updates(void);
#endif

/*
 * A place where the server can be given another version; cheap enough for each round of a loop. 0:
 * there is none. From the first time on, poll(), select(), accept() and sleeping end with EINTR
 * when one has come, as by a signal; reading and writing don't. Does nothing where there are no
 * updates in place: without slack, in a handler (which is updated between two calls by itself), in
 * a child that was forked.
 */
static inline int vireo_update_point(void)
{
#ifdef __wasm__
    return vireo_import_update_point();
#elif defined VIREO_NATIVE
    return vireo_native_update_point();
#else
    return 0;
#endif
}

/* How many versions this pVM was given while it ran; 0: it has just begun. */
static inline unsigned vireo_updates(void)
{
#ifdef __wasm__
    return vireo_import_updates();
#elif defined VIREO_NATIVE
    return vireo_native_updates();
#else
    return 0;
#endif
}

#ifdef __cplusplus
}
#endif

#endif
