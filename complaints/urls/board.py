"""The supervisor's board, the wallboard, and the rows behind every number."""

from django.urls import path

from complaints.views import behind, board, board_people, screens, shifts

urlpatterns = [
    path("board/", board.board, name="board"),
    path("board/wall/", board.wall, name="wall"),
    path("board/screens/", screens.screen_list, name="screen-list"),
    path("board/screens/new/", screens.screen_make, name="screen-make"),
    path("board/screens/<id:pk>/revoke/", screens.screen_revoke, name="screen-revoke"),
    path("load/", board_people.load, name="load"),
    path("shift/", shifts.shift, name="shift"),
    path("shift/make/", shifts.shift_make, name="shift-make"),
    path("shift/<id:pk>/", shifts.shift_sheet, name="shift-sheet"),
    path("shift/<id:pk>/sign/", shifts.shift_sign, name="shift-sign"),
    path("figures/rows/", behind.behind, name="behind"),
]
