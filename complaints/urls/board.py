"""The supervisor's board, the wallboard, and the rows behind every number."""

from django.urls import path

from complaints.views import behind, board, board_people

urlpatterns = [
    path("board/", board.board, name="board"),
    path("board/wall/", board.wall, name="wall"),
    path("load/", board_people.load, name="load"),
    path("figures/rows/", behind.behind, name="behind"),
]
