# One image for web, worker, beat and migrations; docker-compose.yml says which command each runs.
FROM python:3.11-slim-bookworm AS packages
COPY requirements.lock /
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r /requirements.lock

FROM python:3.11-slim-bookworm
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=crm.settings \
    CARELINE_MODE=production \
    CARELINE_STATE_DIR=/srv/careline/state \
    CARELINE_FILES_DIR=/srv/careline/files \
    CARELINE_BIND=0.0.0.0:8000
RUN useradd --system --home-dir /srv/careline --shell /usr/sbin/nologin careline \
    && install -d -o careline -g careline /srv/careline /srv/careline/state /srv/careline/files
COPY --from=packages /venv /venv
WORKDIR /srv/careline/app
COPY --chown=careline:careline . .
USER careline
# Catalogues and static files belong to the image. The keys below only let the settings load for this step:
# each is made on the spot and kept nowhere.
RUN key() { python -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"; } \
    && export CARELINE_SECRET_KEY="$(key)" CARELINE_ID_KEYS="k1:$(key)" CARELINE_INDEX_KEY="$(key)" \
       CARELINE_AUDIT_KEY="$(key)" DATABASE_URL=postgres://build@localhost/build \
       CELERY_BROKER_URL=redis://localhost/0 CACHE_URL=redis://localhost/1 \
    && python manage.py compilecatalogs \
    && python manage.py collectstatic --noinput
EXPOSE 8000
CMD ["gunicorn", "crm.wsgi", "-c", "crm/gunicorn.py"]
