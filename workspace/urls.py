from django.urls import path

from workspace import board, books, home, palette, search, work
from workspace.admin import (
    audit_log,
    calendars_page,
    causes_page,
    jobs_page,
    policies_page,
    questions_page,
    topics_page,
    wordings_page,
)

app_name = "workspace"
urlpatterns = [
    path("", home.home, name="home"),
    path("work/", work.my_work, name="work"),
    path("work/next/", work.work_next, name="work-next"),
    path("team/", board.team_board, name="board"),
    path("my-customers/", books.my_customers, name="book"),
    path("my-customers/managers/", books.managers, name="book-managers"),
    path("search/", search.search_start, name="search"),
    path("search/<str:token>/", search.search_results, name="search-results"),
    path("palette/", palette.palette, name="palette"),
    path("jobs/", jobs_page.run_list, name="run-list"),
    path("jobs/<id:pk>/", jobs_page.run_detail, name="run-detail"),
    path("jobs/<id:pk>/cancel/", jobs_page.run_cancel, name="run-cancel"),
    path("jobs/<id:pk>/retry/", jobs_page.run_retry, name="run-retry"),
    path("jobs/<id:pk>/<slug:what>/", jobs_page.run_file, name="run-file"),
    path("admin/audit/", audit_log.audit_list, name="audit-list"),
    path("admin/policies/", policies_page.policy_list, name="policy-list"),
    path("admin/policies/<str:key>/", policies_page.policy_detail, name="policy-detail"),
    path("admin/calendars/", calendars_page.calendar_list, name="calendar-list"),
    path("admin/calendars/<str:code>/<int:year>/", calendars_page.calendar_year, name="calendar-year"),
    path("admin/topics/", topics_page.topic_list, name="topic-list"),
    path("admin/topics/<int:pk>/", topics_page.topic_detail, name="topic-detail"),
    path("admin/causes/", causes_page.cause_list, name="cause-list"),
    path("admin/causes/<int:pk>/", causes_page.cause_detail, name="cause-detail"),
    path("admin/questions/", questions_page.question_list, name="question-list"),
    path("admin/questions/topic/<int:pk>/", questions_page.topic_questions, name="topic-questions"),
    path("admin/questions/<int:pk>/", questions_page.question_detail, name="question-detail"),
    path("admin/wordings/", wordings_page.wording_list, name="wording-list"),
    path("admin/wordings/new/", wordings_page.wording_new, name="wording-new"),
    path("admin/wordings/<int:pk>/", wordings_page.wording_detail, name="wording-detail"),
]
