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


def test_says_nothing_of_solutions_but_that_there_are_some(handed_out):
    text = '\n'.join(cell.source for file in handed_out.glob('*.ipynb') for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == 'markdown')
    assert '](solutions' not in text and '· Solutions' not in text and 'For teachers' not in text


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
    handed_in('a/01.ipynb', slope='right', smooth='wrong: look\n(again)', worst='not attempted: dots', mine=None)
    handed_in('.ipynb_checkpoints/01.ipynb', slope='wrong')
    found, unreadable = marks.read_marks(tmp_path)
    assert found.values.tolist() == [
        ['02_linear_sgd', 'a/01.ipynb', 'slope', 'right'], ['03_basic_optim', 'a/01.ipynb', 'smooth', 'wrong'],
        ['05_resnet18', 'a/01.ipynb', 'worst', 'not attempted'], ['others', 'a/01.ipynb', 'mine', 'not run']]
    assert unreadable == []


def test_prints_a_table_for_each_lesson_and_writes_them_down(handed_in, tmp_path, capsys):
    handed_in('a/01.ipynb', count_dark='right', shapes='right')
    handed_in('b/Łukasz.ipynb', count_dark='right', shapes='wrong: x')
    handed_in('b/02.ipynb', slope='not attempted: x')
    marks.main(tmp_path)
    first, second = [[line.split() for line in table.splitlines()] for table in capsys.readouterr().out.strip().split('\n\n')]
    assert first[0] == ['01_pixel_similarity'] and first[1][-3:] == ['count_dark', 'shapes', 'right']
    assert first[-2:] == [['a/01.ipynb', 'right', 'right', '2'], ['b/Łukasz.ipynb', 'right', 'wrong', '1']]
    assert second[-1] == ['b/02.ipynb', 'not', 'attempted', '0']
    written = (tmp_path/'marks.csv').read_text(encoding='utf-8-sig').splitlines()
    assert written[0] == 'lesson,file,exercise,verdict' and '01_pixel_similarity,b/Łukasz.ipynb,shapes,wrong' in written and len(written) == 6


def test_what_learners_do_to_a_check_does_not_hide_it(tmp_path):
    "A comment above it, a print around it, a copy of it, of which the last counts, and another cell that is no check"
    def cell(source, text): return nbformat.v4.new_code_cell(source, outputs=[nbformat.v4.new_output('execute_result', {'text/plain': text})])
    printed = nbformat.v4.new_code_cell('print(check_smooth(smooth))', outputs=[nbformat.v4.new_output('stream', text='right\n')])
    cells = [cell('# my try\ncheck_slope(slope)', 'wrong: x'), cell('check_slope(slope)', 'right'), printed,
             cell('check_environment()', '[OK]'), cell('# check_worst(worst)', 'right')]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path/'a.ipynb')
    assert marks.exercises(tmp_path/'a.ipynb') == {'slope': 'right', 'smooth': 'right'}


def test_a_check_that_was_deleted_is_not_run(handed_in, tmp_path, capsys):
    handed_in('a.ipynb', count_dark='right', shapes='right')
    handed_in('b.ipynb', count_dark='right')
    marks.main(tmp_path)
    assert capsys.readouterr().out.splitlines()[-1].split() == ['b.ipynb', 'right', 'not', 'run', '1']


def test_reads_the_checks_of_the_course(handed_out):
    "All thirty-six, and none was run in what is handed out"
    found, _ = marks.read_marks(handed_out)
    assert len(found) == 36 and set(found.verdict) == {'not run'} and 'others' not in set(found.lesson)
    assert set(marks.read_marks(course.NBS/'solutions')[0].verdict) == {'right'}


def test_an_error_in_a_check_cell_is_not_run(tmp_path):
    error = nbformat.v4.new_output('error', ename='NameError', evalue='right', traceback=[])
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('check_slope(slope)', outputs=[error])]), tmp_path/'a.ipynb')
    assert marks.exercises(tmp_path/'a.ipynb') == {'slope': 'not run'}


@pytest.mark.parametrize('content', ['', '{', '[]', '{"cells": 1}', '\x89PNG'])
def test_a_file_that_is_no_notebook_is_named_and_the_others_are_read(content, handed_in, tmp_path, capsys):
    handed_in('good.ipynb', slope='right')
    (tmp_path/'bad.ipynb').write_text(content, encoding='latin-1')
    (tmp_path/'folder.ipynb').mkdir()
    with pytest.raises(SystemExit, match=r'bad\.ipynb: not a notebook'): marks.main(tmp_path)
    assert 'good.ipynb' in capsys.readouterr().out


def test_an_empty_or_missing_folder_is_named(tmp_path):
    with pytest.raises(SystemExit, match='no notebook with a check in it'): marks.main(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SystemExit, match='nowhere: not a folder'): marks.main(tmp_path/'nowhere')


# the page for teachers

def teaching(): return {cell.id: cell.source for cell in nbformat.read(course.NBS/'teaching.ipynb', as_version=4).cells}


def test_plans_name_sections_that_exist():
    headings = {line.lstrip('#').strip() for notebook in course.NOTEBOOKS for cell in nbformat.read(notebook, as_version=4).cells
                if cell.cell_type == 'markdown' for line in cell.source.splitlines() if line.startswith('#')}
    for id in ('afternoon', 'sessions'):
        named = re.findall(r'(?<!\w)\*([^*|]+)\*', teaching()[id].split('|', 1)[1])
        assert len(named) > 3 and set(named) - {'break'} <= headings, set(named) - headings


def test_afternoon_has_no_gap():
    times = re.findall(r'^\| (\d:\d\d) \| (\d:\d\d) \|', teaching()['afternoon'], re.M)
    assert times[0][0] == '0:00' and times[-1][1] == '4:30'
    assert all(before[1] == after[0] for before, after in zip(times, times[1:]))


def test_names_commands_that_exist(root):
    page = '\n'.join(teaching().values())
    scripts = re.findall(r'scripts/\w+\.py', page)
    assert {'scripts/course.py', 'scripts/student.py', 'scripts/marks.py'} == set(scripts)
    assert '\nstudent:' in (root/'Makefile').read_text() and 'make student' in page
