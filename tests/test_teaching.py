"What is handed out has no outputs and no solutions, and marks come back from it"
import re

import nbformat
import pytest

import course
import marks
import student


@pytest.fixture(scope='module')
def handed_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp('student')
    student.main(folder)
    return folder


def test_is_the_first_page_and_the_lessons(handed_out):
    assert sorted(file.name for file in handed_out.rglob('*.ipynb')) == sorted(notebook.name for notebook in course.NOTEBOOKS)
    assert {file.name for file in (handed_out/'images').iterdir()} == {file.name for file in (course.NBS/'images').iterdir()}


def test_has_no_outputs_and_all_the_code(handed_out):
    for notebook in course.NOTEBOOKS:
        ours, theirs = [nbformat.read(folder/notebook.name, as_version=4).cells for folder in (course.NBS, handed_out)]
        assert [(cell.id, cell.source) for cell in ours if cell.cell_type == 'code'] == [(cell.id, cell.source) for cell in theirs if cell.cell_type == 'code']
        assert not any(cell.get('outputs') or cell.get('execution_count') for cell in theirs)


def test_links_only_to_what_is_there(handed_out):
    for file in handed_out.glob('*.ipynb'):
        for cell in nbformat.read(file, as_version=4).cells:
            if cell.cell_type != 'markdown': continue
            for target in re.findall(r'\]\(([^)#\s]+)', cell.source):
                assert target.startswith('https:') or (handed_out/target).exists(), f'{file.name}: {target}'


def test_the_text_of_a_link_stays():
    assert student.unlink('See [a](01_pixel_similarity.ipynb#Broadcasting) and [b c](solutions/01_pixel_similarity.ipynb).') == \
        'See [a](01_pixel_similarity.ipynb#Broadcasting) and b c.'


def test_written_anew_each_time(handed_out):
    (handed_out/'old.ipynb').touch()
    student.main(handed_out)
    assert not (handed_out/'old.ipynb').exists()


# marks

@pytest.fixture
def handed_in(tmp_path):
    "Writes a notebook with the verdicts of its checks; None for a check that was not run"
    def write(name, **verdicts):
        cells = [nbformat.v4.new_markdown_cell('check_nothing(this)')]
        for exercise, text in verdicts.items():
            outputs = [nbformat.v4.new_output('execute_result', {'text/plain': text})] if text else []
            cells.append(nbformat.v4.new_code_cell(f'check_{exercise}({exercise})', outputs=outputs))
        (tmp_path/name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path/name)
    return write


def test_reads_the_four_verdicts(handed_in, tmp_path):
    handed_in('a/01.ipynb', one='right', two='wrong: look\n(again)', three='not attempted: dots', four=None)
    handed_in('.ipynb_checkpoints/01.ipynb', one='wrong')
    found = marks.read_marks(tmp_path)
    assert found.values.tolist() == [['one', 'a/01.ipynb', 'right'], ['two', 'a/01.ipynb', 'wrong'],
                                     ['three', 'a/01.ipynb', 'not attempted'], ['four', 'a/01.ipynb', 'not run']]


def test_prints_a_table_for_each_lesson(handed_in, tmp_path, capsys):
    handed_in('a/01.ipynb', one='right', two='right')
    handed_in('b/01.ipynb', one='right', two='wrong: x')
    handed_in('b/02.ipynb', three='not attempted: x')
    marks.main(tmp_path)
    first, second = [[line.split() for line in table.splitlines()] for table in capsys.readouterr().out.strip().split('\n\n')]
    assert first[0][-3:] == ['one', 'two', 'right']
    assert first[-2:] == [['a/01.ipynb', 'right', 'right', '2'], ['b/01.ipynb', 'right', 'wrong', '1']]
    assert second[-1] == ['b/02.ipynb', 'not', 'attempted', '0']


def test_reads_the_checks_of_the_course(handed_out):
    "All thirty, and none was run in what is handed out"
    found = marks.read_marks(handed_out)
    assert len(found) == 30 and set(found.verdict) == {'not run'}
    assert set(marks.read_marks(course.NBS/'solutions').verdict) == {'right'}


def test_an_error_in_a_check_cell_is_not_run(handed_in, tmp_path):
    handed_in('a.ipynb', one='right')
    nb = nbformat.read(tmp_path/'a.ipynb', as_version=4)
    nb.cells[1].outputs = [nbformat.v4.new_output('error', ename='NameError', evalue='right', traceback=[])]
    nbformat.write(nb, tmp_path/'a.ipynb')
    assert marks.read_marks(tmp_path).verdict.tolist() == ['not run']


@pytest.mark.parametrize('content', ['', '{', '[]', '{"cells": 1}', '\x89PNG'])
def test_a_file_that_is_no_notebook_is_named(content, tmp_path):
    (tmp_path/'bad.ipynb').write_text(content, encoding='latin-1')
    with pytest.raises(ValueError, match=r'bad\.ipynb: not a notebook'): marks.read_marks(tmp_path)


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match='no notebook with a check in it'): marks.read_marks(tmp_path)


def test_teaching_page_names_commands_that_exist(root):
    page = '\n'.join(cell.source for cell in nbformat.read(course.NBS/'teaching.ipynb', as_version=4).cells)
    scripts = re.findall(r'scripts/\w+\.py', page)
    assert {'scripts/course.py', 'scripts/student.py', 'scripts/marks.py'} == set(scripts)
    assert '\nstudent:' in (root/'Makefile').read_text() and 'make student' in page
