import django.db.models.deletion
from django.db import migrations, models

from checks.models import partitions


class CreateResultTable(migrations.CreateModel):
    """CreateModel, but partitioned by day where the database can do that."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            partitions.create_table(schema_editor.connection)
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Check',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.CharField(max_length=100, unique=True, verbose_name='slug')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('kind', models.CharField(max_length=40, verbose_name='kind')),
                ('group', models.CharField(blank=True, max_length=200, verbose_name='group')),
                ('location', models.CharField(max_length=60, verbose_name='location')),
                ('definition', models.JSONField(verbose_name='definition')),
                ('source', models.CharField(max_length=200, verbose_name='source')),
                ('set_by', models.CharField(max_length=200, verbose_name='set by')),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('updated_at', models.DateTimeField(verbose_name='updated at')),
            ],
            options={
                'verbose_name': 'check',
                'verbose_name_plural': 'checks',
                'ordering': ('group', 'name', 'slug'),
            },
        ),
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('name', models.CharField(max_length=60, primary_key=True, serialize=False)),
                ('reached', models.DateTimeField()),
            ],
        ),
        CreateResultTable(
            name='Result',
            fields=[
                ('pk', models.CompositePrimaryKey('check_id', 'slot', blank=True, editable=False, primary_key=True, serialize=False)),
                ('check_id', models.BigIntegerField()),
                ('slot', models.DateTimeField()),
                ('started_at', models.DateTimeField()),
                ('verdict', models.CharField(max_length=10)),
                ('latency_ms', models.FloatField(null=True)),
                ('late_ms', models.FloatField()),
                ('attempts', models.PositiveSmallIntegerField(default=1)),
                ('output', models.TextField(blank=True)),
                ('detail', models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='StatusPage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=60, unique=True, verbose_name='address')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('description', models.TextField(blank=True, verbose_name='description')),
                ('sections', models.JSONField(verbose_name='sections')),
                ('source', models.CharField(max_length=200, verbose_name='source')),
                ('set_by', models.CharField(max_length=200, verbose_name='set by')),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('updated_at', models.DateTimeField(verbose_name='updated at')),
            ],
            options={
                'verbose_name': 'status page',
                'verbose_name_plural': 'status pages',
                'ordering': ('title',),
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('position', models.BigIntegerField(primary_key=True, serialize=False)),
                ('stream', models.CharField(max_length=200)),
                ('version', models.PositiveIntegerField()),
                ('type', models.CharField(max_length=80)),
                ('data', models.JSONField()),
                ('metadata', models.JSONField()),
                ('recorded_at', models.DateTimeField()),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'indexes': [models.Index(fields=['type', 'position'], name='checks_event_type'), models.Index(fields=['recorded_at'], name='checks_event_time')],
                'constraints': [models.UniqueConstraint(fields=('stream', 'version'), name='checks_event_stream_version')],
            },
        ),
        migrations.CreateModel(
            name='Rollup',
            fields=[
                ('pk', models.CompositePrimaryKey('check_id', 'span_minutes', 'start', blank=True, editable=False, primary_key=True, serialize=False)),
                ('check_id', models.BigIntegerField()),
                ('span_minutes', models.PositiveSmallIntegerField()),
                ('start', models.DateTimeField()),
                ('up', models.PositiveIntegerField(default=0)),
                ('degraded', models.PositiveIntegerField(default=0)),
                ('down', models.PositiveIntegerField(default=0)),
                ('blocked', models.PositiveIntegerField(default=0)),
                ('skipped', models.PositiveIntegerField(default=0)),
                ('unknown', models.PositiveIntegerField(default=0)),
                ('missed', models.PositiveIntegerField(default=0)),
                ('latency_count', models.PositiveIntegerField(default=0)),
                ('latency_sum_ms', models.FloatField(default=0)),
                ('latency_min_ms', models.FloatField(null=True)),
                ('latency_max_ms', models.FloatField(null=True)),
                ('sketch', models.TextField(blank=True)),
                ('phases_ms', models.JSONField(default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['span_minutes', 'start'], name='checks_rollup_time')],
            },
        ),
        migrations.CreateModel(
            name='WorkerSign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('worker', models.CharField(max_length=100)),
                ('location', models.CharField(max_length=60)),
                ('seen_at', models.DateTimeField()),
                ('started_at', models.DateTimeField()),
                ('in_flight', models.PositiveIntegerField(default=0)),
                ('lateness_p99_ms', models.FloatField(null=True)),
                ('retries', models.PositiveBigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('worker', 'location'), name='checks_worker_location')],
            },
        ),
        migrations.CreateModel(
            name='CheckState',
            fields=[
                ('check_ref', models.OneToOneField(db_column='check_id', on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='state', serialize=False, to='checks.check')),
                ('location', models.CharField(max_length=60)),
                ('paused', models.BooleanField(default=False)),
                ('status', models.CharField(default='unknown', max_length=10)),
                ('since', models.DateTimeField()),
                ('failures', models.PositiveIntegerField(default=0)),
                ('impaired', models.PositiveIntegerField(default=0)),
                ('recoveries', models.PositiveIntegerField(default=0)),
                ('successes', models.PositiveIntegerField(default=0)),
                ('blameless', models.PositiveIntegerField(default=0)),
                ('last_run_at', models.DateTimeField(null=True)),
                ('last_ok_at', models.DateTimeField(null=True)),
                ('last_verdict', models.CharField(blank=True, max_length=10)),
                ('last_latency_ms', models.FloatField(null=True)),
                ('last_output', models.TextField(blank=True)),
                ('strip', models.CharField(blank=True, max_length=60)),
                ('next_due_at', models.DateTimeField(null=True)),
                ('leased_slot', models.DateTimeField(null=True)),
                ('leased_until', models.DateTimeField(null=True)),
                ('leased_by', models.CharField(blank=True, max_length=100)),
                ('fence', models.PositiveBigIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(fields=['location', 'next_due_at'], name='checks_state_due')],
            },
        ),
    ]
