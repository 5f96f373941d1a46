"What is handed out has no outputs and no solutions, and marks come back from it"
import re

import nbformat
import pytest

from scripts.readers.course import NBS, NOTEBOOKS, TEACHING
from scripts.teachers import marks, student


def cells(file): return nbformat.read(file, as_version=4).cells
def prose(file): return '\n'.join(cell.source for cell in cells(file) if cell.cell_type == 'markdown')


def output(text): return nbformat.v4.new_output('execute_result', {'text/plain': text})
def write(file, *code): nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s, outputs=o) for s, o in code]), file)


@pytest.fixture(scope='module')
def handed_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp('student')
    (folder/'old.ipynb').touch()  # goes, as everything is written anew
    student.main(folder)
    return folder


def test_hands_out_first_page_and_lessons_with_all_code_and_no_outputs(handed_out):
    assert {file.name for file in handed_out.iterdir()} == {'images', 'site', *(notebook.name for notebook in NOTEBOOKS)}
    for notebook in NOTEBOOKS:
        ours, theirs = [[cell for cell in cells(folder/notebook.name) if cell.cell_type == 'code'] for folder in (NBS, handed_out)]
        assert [(cell.id, cell.source) for cell in ours] == [(cell.id, cell.source) for cell in theirs]
        assert not any(cell.outputs or cell.execution_count for cell in theirs)


def test_links_only_to_what_is_there_and_says_nothing_of_solutions(handed_out):
    for file in handed_out.glob('*.ipynb'):
        for target in re.findall(r'\]\((?!https:)([^)#\s]+)', prose(file)): assert (handed_out/target).exists(), f'{file.name}: {target}'
        assert not re.search('For teachers|· Solutions', prose(file))
    assert not {'solutions', 'internals', 'teachers'} & {cell.id for cell in cells(handed_out/'index.ipynb')}


def test_the_text_of_a_link_stays():
    there, text = '[a](02_linear_sgd.ipynb#Without(1))', 'See %s, [b c](solutions/02_linear_sgd.ipynb) and [d](internals/data.ipynb#It(1)).'
    assert student.unlink(text % there) == f'See {there}, b c and d.'


def test_marks_are_a_table_for_each_lesson_and_a_file(tmp_path, capsys):
    "The four verdicts, by lesson; a check that somebody deleted was not run either"
    (tmp_path/'Łukasz').mkdir()
    write(tmp_path/'a.ipynb', ('check_count_dark(count_dark)', [output('right')]), ('check_shapes(shapes)', [output('wrong: x\n(y)')]))
    write(tmp_path/'Łukasz'/'b.ipynb', ('check_count_dark(count_dark)', [output('not attempted: dots')]), ('check_slope(slope)', []))
    marks.main(tmp_path)
    first, second = [[line.split() for line in table.splitlines()] for table in capsys.readouterr().out.strip().split('\n\n')]
    assert first[0] == ['01_pixel_similarity'] and first[1][-3:] == ['count_dark', 'shapes', 'right']
    assert first[-2:] == ['a.ipynb right wrong 1'.split(), 'Łukasz/b.ipynb not attempted not run 0'.split()]
    assert second[-1] == 'Łukasz/b.ipynb not run 0'.split()
    written = (tmp_path/'marks.csv').read_text(encoding='utf-8-sig').splitlines()
    assert written[0] == 'lesson,file,exercise,verdict' and '01_pixel_similarity,a.ipynb,shapes,wrong' in written and len(written) == 5


def test_what_learners_do_to_a_check_does_not_hide_it(tmp_path):
    "A comment above it, a print around it, a copy of it, of which the last counts, an error, and another cell that is no check"
    printed = nbformat.v4.new_output('stream', text='right\n')
    error = nbformat.v4.new_output('error', ename='NameError', evalue='right', traceback=[])
    write(tmp_path/'a.ipynb', ('# my try\ncheck_slope(slope)', [output('wrong: x')]), ('check_slope(slope)', [output('right')]),
          ('print(check_smooth(smooth))', [printed]), ('check_worst(worst)', [error]),
          ('check_environment()', [output('[OK]')]), ('# check_step(step)', [output('right')]))
    assert marks.exercises(tmp_path/'a.ipynb') == {'slope': 'right', 'smooth': 'right', 'worst': 'not run'}


def test_reads_the_checks_of_the_course(handed_out):
    "All forty-two, and none was run in what is handed out"
    found, _ = marks.read_marks(handed_out)
    assert len(found) == 42 and set(found.verdict) == {'not run'} and 'others' not in set(found.lesson)
    assert set(marks.read_marks(NBS/'solutions')[0].verdict) == {'right'}


def test_what_cannot_be_read_is_named_and_the_others_are_read(tmp_path, capsys):
    with pytest.raises(SystemExit, match='no notebook with a check in it'): marks.main(tmp_path)
    with pytest.raises(SystemExit, match='nowhere: not a folder'): marks.main(tmp_path/'nowhere')
    write(tmp_path/'good.ipynb', ('check_slope(slope)', [output('right')]))
    for i, bad in enumerate(['', '{', '[]', '{"cells": 1}', '\x89PNG']): (tmp_path/f'bad{i}.ipynb').write_text(bad, encoding='latin-1')
    with pytest.raises(SystemExit) as told: marks.main(tmp_path)
    assert str(told.value).count(': not a notebook') == 5 and 'good.ipynb' in capsys.readouterr().out


def test_plans_name_sections_that_exist_and_have_no_gap():
    headings = {heading for notebook in NOTEBOOKS for heading in re.findall('^#+ (.+)', prose(notebook), re.M)}
    plans = {cell.id: cell.source for cell in cells(TEACHING)}
    for id in ('afternoon', 'sessions'):
        named = set(re.findall(r'(?<!\w)\*([^*|]+)\*', plans[id].split('|', 1)[1]))
        assert len(named) > 3 and named - {'break'} <= headings, named - headings
    starts, ends = zip(*re.findall(r'^\| (\d:\d\d) \| (\d:\d\d) \|', plans['afternoon'], re.M))
    assert ('0:00', *ends) == (*starts, '4:30')
