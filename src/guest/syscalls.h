/*
 * SYSCALL(name, grants, rule): the system calls that tenant code behind the process wall may make;
 * every other one kills the instance. `grants` 0 is what each instance has: a call loop; with
 * GUEST_GRANT_CODE it is the base table of all but proved code; else the GUEST_GRANT_* that add the
 * call. Included with the macro defined by pvm/, which makes the filter of it and prints it (`vireo
 * describe`). docs/syscalls.md says why each is here. Order: those of a warm call first.
 *
 * Never here: clone3 (ENOSYS, so that a libc falls back), clone with any flag, unshare, setns,
 * ptrace, process_vm_*, bpf, io_uring_*, userfaultfd, memfd_create, execve*, open, openat, tkill,
 * tgkill, socket, bind, listen, connect, setsockopt, sendto, sendmsg (these two can connect, by
 * MSG_FASTOPEN).
 *
 * Rules: ANY; NO_EXEC: the protection argument must lack PROT_EXEC; ANONYMOUS: NO_EXEC,
 * MAP_ANONYMOUS and no huge pages (with the grant `link` PRIVATE: files too, privately,
 * never both writable and executable; with the grant `bpf` BUFFERS: files too, not executable);
 * EVENT_FD: descriptor INSTANCE_EVENT_FD only, unless a grant allows ANY; DISCARD: MADV_DONTNEED,
 * MADV_FREE; WAIT_WAKE: FUTEX_WAIT and FUTEX_WAKE; CLOCK: the system's clocks and its own, not
 * those of other processes; FLAGS: F_GETFD to F_SETFL; FORK: the flag word is SIGCHLD and nothing
 * else; REMOVE_STAT: IPC_RMID or IPC_STAT; ATTACH: no flag but SHM_RDONLY;
 * SMALL_PAGES: no SHM_HUGETLB; REAL_TIMER: ITIMER_REAL.
 */

/* A warm call: wait for it, say that it is answered. */
SYSCALL(futex, 0, RULE_WAIT_WAKE)
SYSCALL(write, 0, RULE_EVENT_FD)
/* Linear memory grows; instances of commands come and go. */
SYSCALL(mprotect, GUEST_GRANT_CODE, RULE_NO_EXEC)
SYSCALL(mmap, GUEST_GRANT_CODE, RULE_ANONYMOUS)
SYSCALL(munmap, GUEST_GRANT_CODE, RULE_ANY)
SYSCALL(mremap, GUEST_GRANT_CODE, RULE_ANY)
SYSCALL(madvise, GUEST_GRANT_CODE, RULE_DISCARD)
SYSCALL(brk, GUEST_GRANT_CODE, RULE_ANY)
/* WASI's clocks and random numbers. */
SYSCALL(clock_gettime, GUEST_GRANT_CODE, RULE_CLOCK)
SYSCALL(clock_getres, GUEST_GRANT_CODE, RULE_CLOCK)
SYSCALL(clock_nanosleep, GUEST_GRANT_CODE, RULE_CLOCK)
SYSCALL(getrandom, GUEST_GRANT_CODE, RULE_ANY)
SYSCALL(sched_yield, 0, RULE_ANY)
/* Traps come by SIGSEGV; a crash restores the default action. */
SYSCALL(rt_sigreturn, 0, RULE_ANY)
SYSCALL(rt_sigaction, 0, RULE_ANY)
SYSCALL(rt_sigprocmask, GUEST_GRANT_CODE, RULE_ANY)
SYSCALL(restart_syscall, 0, RULE_ANY)
SYSCALL(exit, GUEST_GRANT_CODE, RULE_ANY)
SYSCALL(exit_group, 0, RULE_ANY)

/* Bytes of descriptors that the instance was given. */
SYSCALL(read,
        GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_SOCKETS | GUEST_GRANT_FORK |
            GUEST_GRANT_IPC,
        RULE_ANY)
SYSCALL(readv,
        GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_SOCKETS | GUEST_GRANT_IPC |
            GUEST_GRANT_PLATFORM | GUEST_GRANT_PROVED_FILES | GUEST_GRANT_PROVED_CONNECT,
        RULE_ANY)
SYSCALL(writev,
        GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_SOCKETS | GUEST_GRANT_IPC |
            GUEST_GRANT_PLATFORM | GUEST_GRANT_BPF | GUEST_GRANT_PROVED_FILES |
            GUEST_GRANT_PROVED_CONNECT,
        RULE_ANY)
SYSCALL(pread64, GUEST_GRANT_STDIO | GUEST_GRANT_FILES, RULE_ANY)
SYSCALL(preadv, GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_PROVED_FILES, RULE_ANY)
SYSCALL(pwrite64, GUEST_GRANT_STDIO | GUEST_GRANT_FILES, RULE_ANY)
SYSCALL(pwritev, GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_PROVED_FILES, RULE_ANY)
SYSCALL(lseek, GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_PROVED_FILES, RULE_ANY)
SYSCALL(fstat,
        GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_SOCKETS | GUEST_GRANT_IPC |
            GUEST_GRANT_PROVED_FILES,
        RULE_ANY)
SYSCALL(fcntl, GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_SOCKETS | GUEST_GRANT_IPC,
        RULE_FLAGS)
SYSCALL(ppoll,
        GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_SOCKETS | GUEST_GRANT_FORK |
            GUEST_GRANT_IPC | GUEST_GRANT_BPF | GUEST_GRANT_PROVED_CONNECT,
        RULE_ANY)
SYSCALL(close,
        GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_SOCKETS | GUEST_GRANT_FORK |
            GUEST_GRANT_IPC | GUEST_GRANT_CONTROL | GUEST_GRANT_BPF | GUEST_GRANT_PROVED_FILES |
            GUEST_GRANT_PROVED_CONNECT,
        RULE_ANY)
SYSCALL(fsync, GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_PROVED_FILES, RULE_ANY)
SYSCALL(fdatasync, GUEST_GRANT_STDIO | GUEST_GRANT_FILES, RULE_ANY)
SYSCALL(ftruncate, GUEST_GRANT_STDIO | GUEST_GRANT_FILES | GUEST_GRANT_PROVED_FILES, RULE_ANY)
SYSCALL(fallocate, GUEST_GRANT_STDIO | GUEST_GRANT_FILES, RULE_ANY)
SYSCALL(fadvise64, GUEST_GRANT_STDIO | GUEST_GRANT_FILES, RULE_ANY)
SYSCALL(utimensat, GUEST_GRANT_STDIO | GUEST_GRANT_FILES, RULE_ANY)

/* Names below granted directories. */
SYSCALL(openat2, GUEST_GRANT_FILES | GUEST_GRANT_PROVED_FILES, RULE_ANY)
SYSCALL(newfstatat, GUEST_GRANT_FILES, RULE_ANY)
SYSCALL(getdents64, GUEST_GRANT_FILES, RULE_ANY)
SYSCALL(mkdirat, GUEST_GRANT_FILES | GUEST_GRANT_PROVED_FILES, RULE_ANY)
SYSCALL(unlinkat, GUEST_GRANT_FILES | GUEST_GRANT_PROVED_FILES, RULE_ANY)
SYSCALL(renameat2, GUEST_GRANT_FILES | GUEST_GRANT_PROVED_FILES, RULE_ANY)
SYSCALL(linkat, GUEST_GRANT_FILES, RULE_ANY)
SYSCALL(symlinkat, GUEST_GRANT_FILES, RULE_ANY)
SYSCALL(readlinkat, GUEST_GRANT_FILES, RULE_ANY)

/* Connections, which others made and connected. */
SYSCALL(recvfrom, GUEST_GRANT_SOCKETS, RULE_ANY)
SYSCALL(shutdown, GUEST_GRANT_SOCKETS | GUEST_GRANT_PROVED_CONNECT, RULE_ANY)
SYSCALL(accept4, GUEST_GRANT_LISTEN, RULE_ANY)
/* Takes connected sockets from the connector, which is asked by write. */
SYSCALL(recvmsg,
        GUEST_GRANT_CONNECT | GUEST_GRANT_CONTROL | GUEST_GRANT_BPF | GUEST_GRANT_PROVED_CONNECT,
        RULE_ANY)

/* A family: its members are alone in their pid namespace, and end with its first. */
SYSCALL(clone, GUEST_GRANT_FORK, RULE_FORK)
SYSCALL(wait4, GUEST_GRANT_FORK, RULE_ANY)
SYSCALL(kill, GUEST_GRANT_FORK, RULE_ANY)
SYSCALL(getpid, GUEST_GRANT_FORK, RULE_ANY)
SYSCALL(getppid, GUEST_GRANT_FORK, RULE_ANY)
SYSCALL(setitimer, GUEST_GRANT_FORK, RULE_REAL_TIMER)
SYSCALL(rt_sigpending, GUEST_GRANT_FORK, RULE_ANY)
SYSCALL(rt_sigtimedwait, GUEST_GRANT_FORK, RULE_ANY)
SYSCALL(rt_sigqueueinfo, GUEST_GRANT_FORK, RULE_ANY)
SYSCALL(pipe2, GUEST_GRANT_FORK | GUEST_GRANT_IPC, RULE_ANY)
SYSCALL(msgget, GUEST_GRANT_IPC, RULE_ANY)
SYSCALL(msgsnd, GUEST_GRANT_IPC, RULE_ANY)
SYSCALL(msgrcv, GUEST_GRANT_IPC, RULE_ANY)
SYSCALL(msgctl, GUEST_GRANT_IPC, RULE_REMOVE_STAT)
SYSCALL(shmget, GUEST_GRANT_IPC, RULE_SMALL_PAGES)
SYSCALL(shmat, GUEST_GRANT_IPC, RULE_ATTACH)
SYSCALL(shmdt, GUEST_GRANT_IPC, RULE_ANY)
SYSCALL(shmctl, GUEST_GRANT_IPC, RULE_REMOVE_STAT)

/* Waits for a call and for the control socket at once. (mmap may map what comes over it, too.) */
SYSCALL(futex_waitv, GUEST_GRANT_CONTROL, RULE_ANY)
