"""The explorer page: reports as one document, and the document as one offline file."""
