/* vireo: the table of verbs, and the dispatch to them. Each verb is a file of cli/. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/options.h"

const struct cli_verb cli_verbs[] = {
    {"run", "[OPTION...] FILE [ARG...]", "run a function or program once, without a daemon",
     "FILE is a .c file, a folder with vireo.yaml, a .wasm module or a signed library. Standard\n"
     "input and output are passed through, and so is the exit status. As an ordinary user it\n"
     "runs in a user namespace, where the machine allows that. Options stand before FILE.\n\n"
     "  --memory SIZE          such as 64MiB\n"
     "  --cpus NUMBER          such as 0.5\n"
     "  --timeout TIME         such as 2s; none unless this or vireo.yaml says so\n"
     "  --env NAME=VALUE       an environment variable; repeatable\n"
     "  --dir HOST[::GUEST]    a directory that it may use; with :ro behind it only read;\n"
     "                         GUEST may be /\n"
     "  --grant GRANT          fork: it may fork; ipc: it may make pipes; bpf: it may load eBPF\n"
     "                         programs that see itself alone, bpf=host: the whole machine;\n"
     "                         repeatable\n"
     "  --key ID               a library that this key signed is run, too; repeatable\n"
     "  --prepare              build it, optimised, for the runs that come, and run nothing\n\n"
     "  vireo run hello.wasm arg\n",
     cli_run},
    {"build", "SRC -o LIB [--native]", "build a source into a signed library",
     "SRC is a .c file, a folder with vireo.yaml, or a .wasm module. Unchanged input is not\n"
     "built again. With --native C is not translated: nothing makes it safe, and a daemon takes\n"
     "it only if the key that signed it is in its configuration (keys: trusted:). The key is\n"
     "made on first use: STATE/key for root, else ~/.config/vireo/key.\n\n"
     "  -o, --out LIB    the file to write\n"
     "  --name NAME      the function's name (default: vireo.yaml's, else the source's)\n"
     "  --native         native code, for which its signer answers\n"
     "  --require RUNG   proved or sfi: refuse what is known less safely\n"
     "  --against LIB    the library of a version that runs, which this shall replace in place\n"
     "                   (vireo update)\n"
     "  --progress       name each stage, also where standard error is no terminal\n"
     "  --json           describe the result as JSON (-o is the file here)\n\n"
     "  vireo build hello.c -o hello.so\n",
     cli_build},
    {"bpf",
     "build DIR|FILE.bpf.c [-o FILE]\n"
     "skel OBJECT [-o FILE]\n"
     "run [--host] [--events json] MODULE [ARG...]",
     "build and run WebAssembly modules that carry eBPF programs",
     "build DIR    from *.bpf.c (the programs) and the other .c files (the guest, in C) of a\n"
     "             folder to one .wasm. NAME.bpf.c becomes NAME.skel.h, which the guest includes.\n"
     "             Needs clang, llvm, lld, wasi-libc, bpftool and libbpf-dev.\n"
     "build FILE   the object (.bpf.o) of one .bpf.c, for guests in other languages\n"
     "skel OBJECT  the skeleton of an object: a header for guests in C\n"
     "run MODULE   as vireo run --grant bpf MODULE\n\n"
     "  -o, --out FILE   where build and skel write; else DIR.wasm here, and standard output\n"
     "  --host           run: --grant bpf=host: its programs may see the whole machine\n"
     "  --events json    run: each sample is a line of JSON on standard output, by the object's\n"
     "                   type information; what the module prints goes to standard error\n\n"
     "  vireo bpf build examples/bpf/execsnoop -o execsnoop.wasm\n"
     "  vireo bpf run --host execsnoop.wasm 10\n",
     cli_bpf},
    {"push", "REGISTRY/NAME:TAG [MODULE.wasm | LIBRARY.so | DIR]",
     "put a module or library into an OCI registry, with its policy",
     "DIR (here, if there is none) has one .wasm, and vireo.yaml, its policy, or not. The\n"
     "artifact is the CNCF's for WebAssembly: other tools copy and read it. A signed library\n"
     "(vireo build) is for machines without compilers, whose operator trusts its signer. On this\n"
     "machine (localhost) it goes over HTTP, else over TLS. Credentials are those of docker's or\n"
     "podman's login.\n\n"
     "  --policy FILE      vireo.yaml of a module that is named by its file\n"
     "  --sign KEY         sign it by this key file (made if it is not there)\n"
     "  --ca FILE          certificates to trust instead of the machine's\n"
     "  --auth-file FILE   credentials, as ~/.docker/config.json has them\n"
     "  --plain-http       without TLS to other machines too\n\n"
     "  vireo push localhost:5000/tools/execsnoop:1.0 execsnoop.wasm\n",
     cli_push},
    {"pull", "REGISTRY/NAME:TAG | REGISTRY/NAME@sha256:DIGEST",
     "get a module or library and its policy from an OCI registry",
     "Writes NAME/NAME.wasm (a library: NAME.so) and NAME/vireo.yaml, a folder for vireo deploy.\n"
     "Every digest is checked; a pull that breaks off is gone on with by the next. Modules of\n"
     "older tools (wasm-to-oci, ecli) are taken too.\n\n"
     "  -o, --out DIR      another folder than NAME\n"
     "  --key ID           only what this key has signed (vireo push --sign says its id)\n"
     "  --json             describe the result as JSON (-o is the folder here)\n"
     "  --ca FILE          certificates to trust, as of push\n"
     "  --auth-file FILE   credentials, as of push\n"
     "  --plain-http       without TLS, as of push\n\n"
     "  vireo pull localhost:5000/tools/execsnoop:1.0 && vireo run execsnoop/execsnoop.wasm\n",
     cli_pull},
    {"verify", "SRC [--entry FUNCTION] [--annotate]",
     "prove that a function is safe, or show what is open",
     "SRC is a .c file, a folder with vireo.yaml, or LLVM IR (.bc or .ll, of LLVM 14). The entry\n"
     "is 'handler', else 'main'; --entry names another function, which is a handler or has no\n"
     "arguments. Exit code 0: proved; 1: not proved; 2: bad input; 3: no such file.\n\n"
     "  --entry FUNCTION   what is called\n"
     "  --annotate         the source, with each line's obligations beside it\n\n"
     "  vireo verify hello.c -o json\n",
     cli_verify},
    {"deploy", "SRC [--name NAME] [OPTION...] [-- CMD...]",
     "build a source and serve it as a function",
     "SRC is a .c file, a .py file, a folder with vireo.yaml, a .wasm module, a signed library\n"
     "(.so), an OCI bundle, or a root file system with the command of its container behind --.\n"
     "What is given here goes before what vireo.yaml says. Deploying a name again replaces it.\n\n"
     "  --name NAME            a-z, 0-9 and hyphens\n"
     "  --isolation KIND       instance: a pVM serves many calls; request: each call has its own\n"
     "  --memory SIZE          such as 64MiB\n"
     "  --cpus NUMBER          such as 0.5\n"
     "  --timeout TIME         of one call, such as 2s or 500ms\n"
     "  --slack SIZE           such as 16KiB: its pVMs can be updated while they run\n"
     "  --talk WAY             of a container: stdio, http or lambda\n"
     "  --require SAFETY       proved, sfi or container: refuse what is known less safely\n"
     "  --param NAME=VALUE     an environment variable of the function; repeatable\n\n"
     "  vireo deploy hello.c --name hello --memory 16MiB\n"
     "  vireo deploy rootfs --name web --talk http -- httpd -f -p 8080\n",
     cli_deploy},
    {"invoke", "NAME [--data STR | --file FILE | -] [OPTION...]", "call a function",
     "The body comes from standard input unless an option says otherwise; the answer goes to\n"
     "standard output. The exit code tells the kind of a failure: 1 the function failed, 3 there\n"
     "is none, 5 a limit was reached (time, memory, processes, size, queue), 6 no daemon.\n\n"
     "  -d, --data STR         the body\n"
     "  -f, --file FILE        a file as the body; - is standard input\n"
     "  --path PATH            what follows /function/NAME, query included\n"
     "  -X, --method METHOD    default POST\n"
     "  -H, --header LINE      'Name: value'; repeatable\n\n"
     "  echo hello | vireo invoke hello\n",
     cli_invoke},
    {"ls", "", "list the functions", "  vireo ls -o json\n", cli_ls},
    {"describe", "NAME [--report]",
     "show everything about a function: limits, grants, system calls",
     "  --report   what the verifier said of it when it was deployed\n\n"
     "  vireo describe hello\n",
     cli_describe},
    {"update",
     "NAME SRC [--canary N]\n"
     "--pvm PVM NEW OLD",
     "give a function, and the pVMs that run it, a new version",
     "SRC is what `vireo deploy` takes. Without a vireo.yaml the function keeps its settings.\n"
     "Where it was deployed with slack, the pVMs that run get the new library and keep what they\n"
     "have in memory; a version that can't take it over is refused, naming the symbol.\n\n"
     "  --canary N       so many pVMs get it first, and are watched for three seconds\n"
     "  --pvm PVM        one library of this pVM alone: NEW, a deployed library or the file of\n"
     "                   one, takes the place of OLD, with its variables\n\n"
     "  vireo update hello hello2.c\n"
     "  vireo update --pvm 8193 tax2.so tax\n",
     cli_update},
    {"rollback", "NAME", "give a function its former version again",
     "Again and again: to the eighth version before this one.\n\n"
     "  vireo rollback hello\n",
     cli_rollback},
    {"rm", "NAME...", "remove functions", "  vireo rm hello\n", cli_rm},
    {"ps", "[--tree]", "show the pVMs that run",
     "A pVM is an instance of a function, or what one forked: 8193 is an instance, 8193.4 the\n"
     "pVM that its family calls 4. START says how it began: cold (its template was started for\n"
     "it), fork (of a template), child (of another pVM), container, blank or recycled (of a\n"
     "blank). MEMORY is its share of what the family has.\n\n"
     "  --tree           families as trees: who forked whom\n\n"
     "  vireo ps --tree\n",
     cli_ps},
    {"kill", "PVM... [-s SIGNAL]", "end pVMs, or send them a signal",
     "Members that an instance forked end with it. A server is started again; vireo rm ends it\n"
     "for good.\n\n"
     "  -s, --signal SIGNAL    a name or number; default KILL\n\n"
     "  vireo kill 8193.4\n",
     cli_kill},
    {"link", "PVM LIB", "link a library into a pVM that runs",
     "LIB is a library that is deployed, or the file of one, which is deployed first. The pVM's\n"
     "function has the grant link; refused libraries change nothing (exit 4).\n\n"
     "  vireo link 8193 tax\n"
     "  vireo link 8193 ./tax.so\n",
     cli_link},
    {"fork", "PVM", "fork a pVM from outside: its child goes on from where it is now",
     "The child's name is printed. It has a copy of the memory, listening sockets, pipes and\n"
     "files; connections stay the parent's. The function needs the grant fork. See\n"
     "docs/family.md.\n\n"
     "  vireo fork 8193\n",
     cli_fork},
    {"wait", "PVM...", "wait until pVMs have ended, and show how they did",
     "Exit code 0: all ended with exit status 0.\n\n"
     "  vireo wait 8193.4\n",
     cli_wait},
    {"vk",
     "ls\n"
     "get PVM [KEY]\n"
     "set PVM KEY VALUE\n"
     "log [PVM|FUNCTION|CONTAINER]\n"
     "explain PVM CALL [ARGUMENT...]\n"
     "learn FILE [ARG...]\n"
     "learn -- PROGRAM [ARG...]",
     "show and change what a pVM or container has of the kernel for itself",
     "PVM is a pVM, as vireo ps shows it, or a container of vireo-runtime, by the id that its\n"
     "engine gave it. A virtual kernel has parts (syscalls, sched, memory, files, caps, log,\n"
     "params), whose keys vireo.yaml sets under vkernel:. What can be changed while it runs, set\n"
     "changes at once. explain says what becomes of a system call there, and why; with arguments\n"
     "(numbers) exactly of that one. log shows what the kernel did to a function's pVMs, and\n"
     "containers' kernel logs. learn runs FILE as vireo run does, or a program behind --, and\n"
     "writes the smallest table that allows what it did to standard error. See docs/vkernel.md.\n\n"
     "  --to FILE        learn: the table goes there\n"
     "  --flags          learn: as lines for vireo-runtime --vkernel @FILE\n\n"
     "  vireo vk set 8193 sched.policy batch\n"
     "  vireo vk explain 8193 mmap 0 4096 4\n"
     "  vireo vk log web\n",
     cli_vk},
    {"allow",
     "ls\n"
     "propose|demote|remove ENTRY --reason TEXT\n"
     "vote NUMBER yes|no --key FILE --reason TEXT\n"
     "key FILE",
     "what functions may call, and votes on it",
     "ls shows every entry with its layer, whether it is allowed, and what functions ran into;\n"
     "-v the proposals that are decided, too. propose and remove put an entry to the vote of\n"
     "those whose keys are in the configuration (allow_votes); demote takes it away at once.\n\n"
     "  --reason TEXT    why; of all but ls and key\n"
     "  --key FILE       of a vote: the voter's; vireo allow key FILE makes it and shows its id\n\n"
     "  vireo allow propose vireo_http_any_raw --reason 'crawlers need it'\n"
     "  vireo allow vote 1 yes --key ~/.vireo-vote --reason 'reviewed'\n",
     cli_allow},
    {"audit", "--check [--head NUMBER:HASH|--heads FILE]",
     "check that no decision about the allow-list was changed",
     "  --head NUMBER:HASH    a head that the journal has: it must be among them\n"
     "  --heads FILE          so must all that a log has; - is standard input\n\n"
     "  vireo audit --check\n"
     "  journalctl -t vireo -o cat | vireo audit --check --heads -\n",
     cli_audit},
    {"logs", "NAME [-f]", "show what a function wrote to its standard error",
     "  -f, --follow     go on as it is written\n\n"
     "  vireo logs -f hello\n",
     cli_logs},
    {"top", "[-n ROUNDS] [--sort ORDER]",
     "show what functions do now: calls, errors, time, CPU, memory",
     "On a terminal a table that is made anew each second: c, n, m and a sort by CPU, calls,\n"
     "memory and name, q ends. Elsewhere, with -n or with -o json (a line a round) so many\n"
     "rounds.\n\n"
     "  -n, --rounds N         how many rounds; default 1\n"
     "  -i, --interval SECONDS between two, 0.1 to 3600; default 1\n"
     "  -s, --sort ORDER       cpu, calls, memory or name; default cpu\n\n"
     "  vireo top -n 3 --sort calls\n",
     cli_top},
    {"serve", "[--listen ADDR:PORT] [--state DIR] [OPTION...]", "run the daemon",
     "Functions are called at http://ADDR:PORT/function/NAME. Administration is on the socket\n"
     "DIR/admin.sock. Needs root.\n\n"
     "  --listen ADDR:PORT        default 127.0.0.1:8080\n"
     "  --config FILE             the operator's settings\n"
     "  --admin-listen ADDR:PORT  administration over TCP too, on another port\n"
     "  --admin-token FILE        the token that it asks for; mode 0600\n"
     "  --log-format FORMAT       text, json (a line a message, functions' output too) or\n"
     "                            journal; default journal when journald reads standard error,\n"
     "                            else text\n"
     "  --log-calls               a line of the log for each call, with its cost\n\n"
     "  vireo serve --listen 127.0.0.1:8080 --state /var/lib/vireo\n",
     cli_serve},
    {"sched", "[--timeout MS]", "load vireo's BPF scheduler, and hold it",
     "For the policies of virtual kernels (docs/vkernel.md), on a kernel with sched_ext. All\n"
     "threads of the machine are scheduled by it, as long as this runs; the kernel's own\n"
     "scheduler has them back when it ends, or when the kernel finds fault with it. Needs root.\n\n"
     "  --timeout MS   the kernel ends it when a thread has waited so long: 1000 to 30000, which\n"
     "                 is the default\n\n"
     "  systemctl enable --now vireo-sched\n",
     cli_sched},
    {"oci", "VERB ...", "run a verb of the OCI runtime, vireo-runtime",
     "Every word goes to it as it is; vireo oci --help shows its verbs. Engines are pointed at\n"
     "the program itself: see docs/engines.md.\n\n"
     "  vireo oci run -b BUNDLE hello\n",
     cli_oci},
    {"doctor", "", "show what this kernel offers, and which mechanism each part takes",
     "Every line was tried just now. Exit code 1: something is missing that vireo can't do\n"
     "without.\n\n"
     "  vireo doctor -o json\n",
     cli_doctor},
    {"help", "[VERB | --man | --complete SHELL]", "show help",
     "  --man              the man page\n"
     "  --complete SHELL   completions; SHELL is bash, zsh or fish\n",
     cli_help},
    {NULL, NULL, NULL, NULL, NULL},
};

static int dispatch(int argc, char **argv)
{
    bool version = false;
    const struct cli_option options[] = {{.name = "--version", .letter = 'V', .flag = &version}};
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), CLI_STOP_AT_FIRST, &words, &exit))
        return exit;
    if (version) {
        printf("vireo %s\n", VIREO_VERSION);
        return CLI_OK;
    }
    if (words == 0)
        return cli_usage("vireo", "a verb is missing");
    const struct cli_verb *verb = cli_verb_find(argv[1]);
    if (!verb) {
        const char *near = cli_verb_suggest(argv[1]);
        if (near)
            return cli_usage("vireo", "there is no verb '%s' (did you mean '%s'?)", argv[1], near);
        return cli_usage("vireo", "there is no verb '%s'", argv[1]);
    }
    return verb->run(words, argv + 1);
}

int main(int argc, char **argv)
{
    cli_globals_init();
    int exit = dispatch(argc, argv);
    /* An answer that did not reach its reader is not success. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit == CLI_OK) {
        perror("vireo: cannot write to standard output");
        exit = CLI_FAILED;
    }
    return exit;
}
