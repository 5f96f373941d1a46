"The images are MNIST's, they unpack whole or not at all, and whatever is wrong with them is named"
import errno
import gzip
import hashlib
import io
import os
import signal
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import tracemalloc
import zlib
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import build_data
from mnist37 import data

PIXELS_SHA256 = 'db1eaaee56f1873280867d02483debcbba1a5ea489298e97fd20458836a57541'  # fast.ai's pixels
UNPACK = [sys.executable, '-c', 'from mnist37.data import mnist_path; print(mnist_path())']
unix_only = pytest.mark.skipif(os.name == 'nt', reason='Windows has neither SIGKILL nor seteuid; runs on Linux and macOS')


def read(split):
    "Every image of a part of the dataset, `{relative path: pixels}`"
    path = data.mnist_path()
    return {file.relative_to(path).as_posix(): np.array(Image.open(file)) for file in sorted((path/split).rglob('*.png'))}


@pytest.fixture(scope='module')
def pixels(): return read('train') | read('valid')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    "An empty folder that `mnist_path` will unpack into"
    monkeypatch.setenv('MNIST37_DATA', str(tmp_path))
    return tmp_path


@pytest.fixture
def small(folder, monkeypatch, tmp_path_factory):
    "The same, and an archive of thirty blank images a folder in place of the real one"
    archive = tmp_path_factory.mktemp('small')/'mnist_sample.tgz'
    build_data.build_archive({f'{name}/{i}.png': np.zeros((28, 28), np.uint8) for name in data.COUNTS for i in range(30)}, archive)
    for name, value in {'ARCHIVE': archive, 'COUNTS': dict.fromkeys(data.COUNTS, 30), '_sha256': lambda file: data.ARCHIVE_SHA256}.items():
        monkeypatch.setattr(data, name, value)
    return folder


def sha256(file): return hashlib.sha256(file.read_bytes()).hexdigest()


def unpack_archive_of(folder, *members):
    "Have `unpack` open an archive of `members`, given as (TarInfo, content), whose checksum is right"
    archive = folder/'made_up.tgz'
    with tarfile.open(archive, 'w:gz') as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    data.unpack(archive, folder/'mnist_sample', sha256(archive))


def left(folder):
    "What lies in `folder`, but for the lock, which some systems keep"
    return {file.name for file in folder.iterdir()} - {'mnist_sample.lock'}


@contextmanager
def nobody():
    "Without root's right to write anywhere"
    user = os.geteuid()
    if user == 0: os.seteuid(65534)
    try: yield
    finally: os.seteuid(user)


def png(mode='L', size=(28, 28)):
    "A PNG file's bytes"
    file = io.BytesIO()
    Image.new(mode, size).save(file, 'PNG')
    return file.getvalue()


def png_bomb():
    "One that says that it has 30,000 rows and columns"
    small = png()
    header = small[12:16] + struct.pack('>II', 30_000, 30_000) + small[24:29]
    return small[:12] + header + struct.pack('>I', zlib.crc32(header)) + small[33:]


# the images

def test_pixels_are_those_of_fastai(pixels): assert build_data.pixel_digest(pixels) == PIXELS_SHA256


def test_archive_has_the_checksums_in_its_readme(root):
    readme = (root/'data'/'README.md').read_text(encoding='utf-8')
    assert sha256(data.ARCHIVE) == data.ARCHIVE_SHA256
    assert data.ARCHIVE_SHA256 in readme and PIXELS_SHA256 in readme


@pytest.mark.slow
def test_build_data_makes_the_archive_from_the_whole_of_mnist(pixels, tmp_path):
    "MNIST's arrays are filled with the images we have; the other digits are blank"
    splits = {}
    for split, n in (('train', 60_000), ('valid', 10_000)):
        images, labels = np.zeros((n, 28, 28), np.uint8), np.zeros(n, np.uint8)
        for path, image in pixels.items():
            if path.startswith(split): images[int(Path(path).stem)], labels[int(Path(path).stem)] = image, int(path.split('/')[1])
        splits[split] = images, labels
    selected = build_data.select(splits)
    assert list(selected) == sorted(selected) and build_data.pixel_digest(selected) == PIXELS_SHA256
    build_data.build_archive(selected, tmp_path/'a.tgz')
    build_data.build_archive(selected, tmp_path/'b.tgz')
    assert sha256(tmp_path/'a.tgz') == sha256(tmp_path/'b.tgz')
    with tarfile.open(tmp_path/'a.tgz') as ours, tarfile.open(data.ARCHIVE) as committed:
        assert [(m.name, m.mtime, m.uid, m.uname) for m in ours] == [(m.name, m.mtime, m.uid, m.uname) for m in committed]


def test_load_split():
    pixels, (threes, sevens) = read('valid'), data.load_split('valid')
    assert (threes.shape, sevens.shape) == ((1010, 28, 28), (1028, 28, 28))
    assert threes.dtype == torch.float32 and (threes.min(), threes.max()) == (0, 1)
    for digit, images in (('3', threes), ('7', sevens)):
        files = [path for path in pixels if path.startswith(f'valid/{digit}/')]
        assert torch.equal((images*255).round().byte(), torch.tensor(np.stack([pixels[path] for path in files])))


def test_load_split_onto_a_device():
    threes, sevens = data.load_split('valid', data.default_device())
    assert threes.device.type == sevens.device.type == data.default_device().type
    assert data.load_split('valid', 'meta')[0].device.type == 'meta'  # not the default anywhere


def test_load_split_refuses_an_unknown_split():
    with pytest.raises(ValueError, match="split 'test': expected 'train' or 'valid'"): data.load_split('test')


def test_without_an_archive_fastai_is_asked(small, monkeypatch):
    there, asked = data.mnist_path(), []

    def untar_data(url, data):
        asked.append((url, data))
        return there

    fastai = SimpleNamespace(URLs=SimpleNamespace(MNIST_SAMPLE='an address'), untar_data=untar_data, fastai_path=lambda name: small/'new'/name)
    monkeypatch.setitem(sys.modules, 'fastai.data.external', fastai)
    monkeypatch.setattr(data, 'ARCHIVE', small/'nowhere.tgz')
    monkeypatch.delenv('MNIST37_DATA')
    assert data.dataset_path() == small/'new'/'data'/'mnist_sample'
    assert data.mnist_path() == there and asked == [('an address', small/'new'/'data')]


# damaged images

@pytest.mark.parametrize('content, complaint', [
    (png(size=(27, 28)), 'size 27×28 and mode L, expected 28×28'),
    (png(mode='RGB'), 'size 28×28 and mode RGB, expected 28×28 and mode L'),
    (b'no image at all', 'not a readable image, expected a 28×28 grey PNG'),
    (b'', 'not a readable image'),
    (png()[:50], 'not a readable image'),
    (png()[:45] + b'!' + png()[46:], 'not a readable image'),  # the checksum of a chunk is wrong
    (png().replace(b'IDAT', b'IDAX'), 'not a readable image'),
    (png_bomb(), 'not a readable image'),
], ids=['other size', 'other mode', 'no image', 'empty', 'truncated', 'altered', 'no pixels', 'bomb'])
def test_load_images_names_the_bad_file(content, complaint, tmp_path):
    (tmp_path/'1.png').write_bytes(png())
    assert data.load_images(tmp_path).shape == (1, 28, 28)
    (tmp_path/'bad.png').write_bytes(content)
    with pytest.raises(ValueError, match=rf'bad\.png: {complaint}'): data.load_images(tmp_path)


def test_load_images_sorts_and_keeps_uint8(tmp_path):
    for name in ('b', 'a'): Image.new('L', (28, 28), ord(name)).save(tmp_path/f'{name}.png')
    images = data.load_images(tmp_path)
    assert images.dtype == torch.uint8 and images[:, 0, 0].tolist() == [ord('a'), ord('b')]


def test_load_images_of_an_empty_folder(tmp_path):
    with pytest.raises(ValueError, match='no PNG file found'): data.load_images(tmp_path)


# unpacking

@pytest.mark.slow
def test_unpacks_once(folder):
    path = data.mnist_path()
    assert path == folder/'mnist_sample'
    assert {name: len(list((path/name).iterdir())) for name in data.COUNTS} == data.COUNTS
    assert left(folder) == {'mnist_sample'}
    before = path.stat().st_mtime_ns
    assert data.mnist_path() == path and path.stat().st_mtime_ns == before


def test_unpacks_into_a_new_folder_and_removes_what_another_left_half_done(small, monkeypatch):
    folder = small/'new'/'folder'
    monkeypatch.setenv('MNIST37_DATA', str(folder))
    before = data.mnist_path().stat().st_mtime_ns
    assert left(folder) == {'mnist_sample'} and data.mnist_path().stat().st_mtime_ns == before
    partial = folder/'mnist_sample.partial'
    partial.mkdir()
    (folder/'mnist_sample').rename(partial/'mnist_sample')
    (partial/'mnist_sample'/'train'/'3'/'left over.png').touch()
    assert data.mnist_path() == data.dataset_path() == folder/'mnist_sample' and left(folder) == {'mnist_sample'}
    assert {name: len(list((folder/'mnist_sample'/name).iterdir())) for name in data.COUNTS} == data.COUNTS


@pytest.mark.parametrize('damage', [
    pytest.param(lambda path: (path/'train'/'3').rename(path/'train'/'8'), id='folder missing'),
    pytest.param(lambda path: next((path/'train'/'3').iterdir()).unlink(), id='file missing'),
    pytest.param(lambda path: (path/'train'/'3'/'60000.png').write_bytes(png()), id='file too many'),
])
def test_a_changed_dataset_is_named(damage, small):
    damage(data.mnist_path())
    with pytest.raises(ValueError, match=r'train.3: (0|29|31) PNG files, expected 30; delete .*mnist_sample, and it is unpacked afresh'):
        data.mnist_path()


@pytest.mark.parametrize('change', [lambda b: b[:len(b)//2], lambda b: b[:1000] + b'!' + b[1001:], lambda b: b''],
                         ids=['truncated', 'altered', 'empty'])
def test_a_damaged_archive_is_named(change, folder, monkeypatch):
    archive = folder/'mnist_sample.tgz'
    archive.write_bytes(change(data.ARCHIVE.read_bytes()))
    monkeypatch.setattr(data, 'ARCHIVE', archive)
    with pytest.raises(ValueError, match=r'mnist_sample\.tgz: truncated or altered, its sha256 is .*, expected f0d4'): data.mnist_path()
    assert not (folder/'mnist_sample').exists()


@pytest.mark.parametrize('name, kind', [
    ('/mnist_sample/1.png', tarfile.REGTYPE), ('../1.png', tarfile.REGTYPE), ('mnist_sample/../../1.png', tarfile.REGTYPE),
    ('mnist_sample/link', tarfile.SYMTYPE), ('mnist_sample/link', tarfile.LNKTYPE), ('mnist_sample/null', tarfile.CHRTYPE),
    ('mnist_sample/disk', tarfile.BLKTYPE), ('mnist_sample/pipe', tarfile.FIFOTYPE), ('mnist_sample/holes', tarfile.GNUTYPE_SPARSE),
], ids=['absolute', 'climbs out', 'climbs out deeper', 'symbolic link', 'hard link', 'device', 'disk', 'pipe', 'sparse file'])
def test_a_hostile_archive_is_refused(name, kind, tmp_path):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, 'target'
    with pytest.raises(ValueError, match=r'made_up\.tgz: refused '): unpack_archive_of(tmp_path, (member, b''))
    assert left(tmp_path) == {'made_up.tgz'}


@pytest.mark.parametrize('kind', [tarfile.REGTYPE, tarfile.XHDTYPE], ids=['a file', 'a header'])
def test_a_bomb_of_zeros_is_refused(kind, tmp_path):
    "Three hundred million zeros in an archive of 300 kB, as a file or in a header that Python would read into memory"
    member, zeros = tarfile.TarInfo('mnist_sample/zeros.png'), 300_000_000
    member.type, member.size = kind, zeros
    archive = tmp_path/'bomb.tgz'
    with gzip.open(archive, 'wb', 1) as file:
        file.write(member.tobuf())
        for _ in range(30): file.write(bytes(zeros//30))
    assert archive.stat().st_size < 2_000_000
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r'bomb\.tgz: refused, expected at most 50,000,000 bytes in it'):
            data.unpack(archive, tmp_path/'mnist_sample', sha256(archive))
        assert tracemalloc.get_traced_memory()[1] < 3*data.MAX_BYTES
    finally: tracemalloc.stop()
    assert left(tmp_path) == {'bomb.tgz'}


def test_the_largest_archive_there_may_be(tmp_path, monkeypatch):
    with tarfile.open(tmp_path/'a.tgz', 'w:gz') as tar: tar.addfile(tarfile.TarInfo('empty'))
    size = len(gzip.decompress((tmp_path/'a.tgz').read_bytes()))
    monkeypatch.setattr(data, 'MAX_BYTES', size)
    data._extract(tmp_path/'a.tgz', tmp_path/'to')
    monkeypatch.setattr(data, 'MAX_BYTES', size - 1)
    with pytest.raises(ValueError, match=f'refused, expected at most {size - 1:,} bytes in it'): data._extract(tmp_path/'a.tgz', tmp_path/'to')


@pytest.mark.slow
def test_an_oversized_archive_is_named_without_being_read_into_memory(folder, monkeypatch):
    archive = folder/'mnist_sample.tgz'
    with archive.open('wb') as file: file.truncate(500_000_000)
    monkeypatch.setattr(data, 'ARCHIVE', archive)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r'mnist_sample\.tgz: truncated or altered'): data.mnist_path()
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally: tracemalloc.stop()
    assert left(folder) == {'mnist_sample.tgz'}


@pytest.mark.skipif(not hasattr(tarfile, 'data_filter') or os.name == 'nt', reason='Python 3.11.4 and later, where files have modes')
def test_dangerous_modes_are_dropped(tmp_path):
    member = tarfile.TarInfo('tool')
    member.mode = 0o6777
    with tarfile.open(tmp_path/'a.tgz', 'w:gz') as tar: tar.addfile(member)
    data._extract(tmp_path/'a.tgz', tmp_path/'out')
    assert (tmp_path/'out'/'tool').stat().st_mode & 0o6022 == 0  # neither setuid nor writable by others


def test_an_archive_without_all_images_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match='train.3: 1 PNG files, expected 6,131'):
        unpack_archive_of(tmp_path, (tarfile.TarInfo('mnist_sample/train/3/1.png'), png()))
    assert left(tmp_path) == {'made_up.tgz'}


@pytest.mark.parametrize('content', [b'no archive', data.ARCHIVE.read_bytes()[:500_000]], ids=['no archive', 'truncated'])
def test_an_unreadable_archive_is_named(content, tmp_path):
    archive = tmp_path/'odd.tgz'
    archive.write_bytes(content)
    with pytest.raises(ValueError, match=r'odd\.tgz: not a readable archive'): data.unpack(archive, tmp_path/'to', sha256(archive))
    assert not (tmp_path/'to').exists()


@pytest.mark.slow
@unix_only
def test_killed_half_way_then_run_again(folder):
    process = subprocess.Popen(UNPACK, stdout=subprocess.DEVNULL)
    partial, deadline = folder/'mnist_sample.partial'/'mnist_sample'/'train'/'3', time.monotonic() + 60
    while not (partial.is_dir() and len(os.listdir(partial)) > 100):
        assert process.poll() is None and time.monotonic() < deadline, 'it was never caught half-way'
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder/'mnist_sample').exists()
    (partial/'left over.png').write_bytes(png())  # whatever lies there must not get into the dataset
    assert data.check_dataset(data.mnist_path()) and not (folder/'mnist_sample.partial').exists()


@pytest.mark.slow
def test_eight_at_once(folder):
    processes = [subprocess.Popen(UNPACK, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert out.strip() == str(folder/'mnist_sample')
    assert data.check_dataset(folder/'mnist_sample') and not (folder/'mnist_sample.partial').exists()


@unix_only
def test_a_read_only_folder_says_what_to_do(monkeypatch):
    with tempfile.TemporaryDirectory() as folder:  # not `tmp_path`, whose parents another user may not enter
        monkeypatch.setenv('MNIST37_DATA', folder)
        os.chmod(folder, 0o555)
        with nobody(), pytest.raises(PermissionError, match='set the environment variable MNIST37_DATA') as error: data.mnist_path()
        assert error.value.filename == folder and os.listdir(folder) == []


@pytest.mark.slow
@unix_only
def test_images_that_are_there_are_read_from_a_read_only_folder(monkeypatch):
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv('MNIST37_DATA', folder)
        path = data.mnist_path()
        for place in (path/'valid'/'3', path/'valid', path, folder): os.chmod(place, 0o555)
        with nobody():
            with pytest.raises(PermissionError): (path/'valid'/'3'/'new.png').touch()
            assert len(data.load_split('valid')[0]) == 1010
        os.chmod(folder, 0o755)


ROOM = r'No space left on device; set the environment variable MNIST37_DATA to a folder with room'


def test_a_full_disk_leaves_nothing_and_says_what_to_do(small, monkeypatch):
    "Played: the hundredth file finds no room"
    real, written = tarfile.TarFile.makefile, []

    def makefile(tar, member, to):
        if len(written) == 100: raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(member)
        real(tar, member, to)

    with monkeypatch.context() as full:
        full.setattr(tarfile.TarFile, 'makefile', makefile)
        with pytest.raises(OSError, match=ROOM) as error: data.mnist_path()
    assert error.value.errno == errno.ENOSPC and error.value.filename == str(small)
    assert len(written) == 100 and left(small) == set()
    assert data.check_dataset(data.mnist_path())


@pytest.fixture
def small_disk(folder):
    "A disk of two million bytes, where the system lets the tests have one; called, it makes room"
    def mount(options): return subprocess.run(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder], capture_output=True).returncode
    if sys.platform != 'linux' or mount('size=2m'): pytest.skip('no disk may be mounted here; a full one is played in the test before')
    yield lambda: mount('remount,size=200m')
    subprocess.run(['umount', folder], check=True)


@pytest.mark.slow
def test_a_disk_that_is_really_full(folder, small_disk):
    with pytest.raises(OSError, match=ROOM): data.mnist_path()
    assert left(folder) == set()
    assert small_disk() == 0 and data.check_dataset(data.mnist_path())


# the device

@pytest.mark.parametrize('cuda, mps, expected', [(True, True, 'cuda'), (True, False, 'cuda'), (False, True, 'mps'), (False, False, 'cpu')])
def test_default_device(cuda, mps, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, 'is_available', lambda: mps)
    assert data.default_device() == torch.device(expected)
