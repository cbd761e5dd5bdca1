"""What people, applications and AWS do: each routine yields the records that it leaves."""
